import { HOST } from './characters.ts';

const PERCENT = 0x25;

/**
 * Whether the text may stand in Host: uri-host [ ":" port ] (RFC 9110 §7.2, RFC 3986 §3.2). An empty host is refused,
 * because RFC 9110 §4.2.1 has recipients reject http URIs without a host. User information is refused because of its `@`.
 */
export function isAuthority(text: string): boolean {
  const { length } = text;
  if (length === 0) return false;
  let colon = -1;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || HOST[code] === 0) return false;
    if (code === PERCENT && !/^[0-9A-Fa-f]{2}/.test(text.slice(i + 1, i + 3))) return false;
    if (code === 0x3a && colon < 0) colon = i;
    else if (code === 0x5b || code === 0x5d) return isBracketed(text);
  }
  if (colon < 0) return true;
  return colon > 0 && isPort(text, colon + 1);
}

/** "[" IPv6address or IPvFuture "]" [ ":" port ] (RFC 3986 §3.2.2). */
function isBracketed(text: string): boolean {
  const match = /^\[([0-9A-Fa-f:.]+|v[0-9A-Fa-f]+\.[\w\-.~!$&'()*+,;=:]+)\](?::([0-9]*))?$/.exec(text);
  if (match === null || (match[2] !== undefined && Number(match[2]) > 65_535)) return false;
  return match[1].startsWith('v') || isIpv6(match[1]);
}

const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const OCTET = /^(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])$/;

/** IPv6address: eight groups, the last two of which may be an IPv4 address, and `::` at most once for one or more of them. */
function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1) ?? '';
  let count = groups.length;
  if (last.includes('.') && !text.endsWith('::')) {
    const octets = last.split('.');
    if (octets.length !== 4 || !octets.every((octet) => OCTET.test(octet))) return false;
    groups.pop();
    count++;
  }
  return groups.every((group) => GROUP.test(group)) && (halves.length === 2 ? count < 8 : count === 8);
}

/** port = *DIGIT (RFC 3986 §3.2.3), up to 65535. */
function isPort(text: string, start: number): boolean {
  let port = 0;
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
    if (port > 65_535) return false;
  }
  return true;
}
