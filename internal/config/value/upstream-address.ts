import { InvalidValue, quote } from './invalid-value.ts';
import { isIPv6 } from './ip-address.ts';

const PROXY_FORMS = '"host:port", "http://host", "https://host" or "unix:///path"';
const PASS_FORMS = '"host:port" or "unix:///path"';

const AUTHORITY = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/;

/** The parts of an upstream's address. */
export type UpstreamAddress =
  | { readonly kind: 'unix'; /** Absolute. */ readonly path: string }
  | {
      readonly kind: 'tcp';
      /** `https://` or `wss://`. */
      readonly secure: boolean;
      /** Host and port as written. */
      readonly authority: string;
      /** Without the brackets of an IPv6 address. */
      readonly host: string;
      /** Null when there is none. */
      readonly port: number | null;
      /** What follows the authority: empty, or a path that begins with a slash. */
      readonly path: string;
    };

/**
 * Reads the upstream of a proxy action once its template is filled: `host`, `host:port`, `http://…`, `https://…` (or
 * `ws://…`, `wss://…`) or `unix:///…`.
 *
 * @throws InvalidValue
 */
export function parseProxyUpstream(text: string): UpstreamAddress {
  if (text.startsWith('unix:')) return parseUnix(text, PROXY_FORMS);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme !== null && !/^(?:https?|wss?)$/i.test(scheme[1]))
    throw refusal(PROXY_FORMS, text, `the scheme \`${scheme[1]}\` is not known here`);
  const [, authority = '', path = ''] = /^([^/]*)(\/[^]*)?$/.exec(text.slice(scheme?.[0].length ?? 0)) ?? [];
  const parsed = parseAuthority(authority);
  if (typeof parsed === 'string') throw refusal(PROXY_FORMS, text, parsed);
  if (/[?#]/.test(authority + path)) throw refusal(PROXY_FORMS, text, 'a query or a fragment has no place in it');
  if (!/^[\x21-\x7a|~]*$/.test(path)) throw refusal(PROXY_FORMS, text, 'the path must be percent-encoded ASCII');
  const secure = scheme !== null && /^(?:https|wss)$/i.test(scheme[1]);
  return { kind: 'tcp', secure, authority, ...parsed, path };
}

/**
 * Reads the upstream of a pass action once its template is filled: `host:port` or `unix:///…`.
 *
 * @throws InvalidValue
 */
export function parsePassUpstream(text: string): UpstreamAddress {
  if (text.startsWith('unix:')) return parseUnix(text, PASS_FORMS);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text);
  if (scheme !== null) throw refusal(PASS_FORMS, text, `the scheme \`${scheme[1]}\` is not known here`);
  const parsed = parseAuthority(text);
  if (typeof parsed === 'string') throw refusal(PASS_FORMS, text, parsed);
  if (parsed.port === null) throw refusal(PASS_FORMS, text, 'the port is missing');
  return { kind: 'tcp', secure: false, authority: text, ...parsed, path: '' };
}

/** @returns why it is none, when it is none */
function parseAuthority(authority: string): { readonly host: string; readonly port: number | null } | string {
  if (authority === '') return 'the host is missing';
  if (authority.includes('@')) return 'a user name has no place in it; set the header Authorization instead';
  const match = AUTHORITY.exec(authority);
  if (match === null)
    return isIPv6(authority) ? 'an IPv6 address goes in brackets' : 'the host or the port is malformed';
  const [, v6, name, port] = match;
  if (v6 !== undefined && !isIPv6(v6)) return 'no IPv6 address stands in the brackets';
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return 'the port must be from 1 to 65535';
  return { host: v6 ?? name, port: port === undefined ? null : Number(port) };
}

function parseUnix(text: string, forms: string): UpstreamAddress {
  if (!/^unix:\/\/\/[^\0]*[^\0/]$/.test(text)) throw refusal(forms, text, 'a socket is "unix://" and an absolute path');
  return { kind: 'unix', path: text.slice('unix://'.length) };
}

function refusal(forms: string, text: string, why: string): InvalidValue {
  return new InvalidValue(`expected ${forms}, found ${quote(text)}: ${why}`);
}
