/** Bytes of an IPv4 and of an IPv6 address. */
export const IPV4_BYTES = 4;
export const IPV6_BYTES = 16;

const GROUPS = 8;
const OCTET = /^(?:0|[1-9][0-9]{0,2})$/;
const GROUP = /^[0-9A-Fa-f]{1,4}$/;
const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/** The 4 bytes of an address in dotted decimal form without leading zeros; null for any other text. */
export function parseIpv4(text: string): Buffer | null {
  const octets = text.split('.');
  if (octets.length !== IPV4_BYTES) return null;
  const bytes = Buffer.alloc(IPV4_BYTES);
  for (let i = 0; i < IPV4_BYTES; i++) {
    if (!OCTET.test(octets[i]) || Number(octets[i]) > 255) return null;
    bytes[i] = Number(octets[i]);
  }
  return bytes;
}

/**
 * The 16 bytes of an address in one of the forms of RFC 4291 §2.2; null for any other text. A zone (`%eth0`) is not
 * part of the address.
 */
export function parseIpv6(text: string): Buffer | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const front = groupsOf(halves[0], halves.length === 1);
  const back = halves.length === 1 ? [] : groupsOf(halves[1], true);
  if (front === null || back === null) return null;
  const left = GROUPS - front.length - back.length;
  // `::` stands for at least one group.
  if (halves.length === 1 ? left !== 0 : left < 1) return null;
  const bytes = Buffer.alloc(IPV6_BYTES);
  front.forEach((group, i) => bytes.writeUInt16BE(group, i * 2));
  back.forEach((group, i) => bytes.writeUInt16BE(group, IPV6_BYTES - (back.length - i) * 2));
  return bytes;
}

/**
 * The bytes of an address of either family. An IPv6 address to which an IPv4 address is mapped gives the bytes of that
 * IPv4 address.
 */
export function parseIp(text: string): Buffer | null {
  const v4 = parseIpv4(text);
  if (v4 !== null) return v4;
  const zone = text.indexOf('%');
  const v6 = parseIpv6(zone < 0 ? text : text.slice(0, zone));
  return v6 !== null && MAPPED.equals(v6.subarray(0, MAPPED.length)) ? v6.subarray(MAPPED.length) : v6;
}

/** The IPv6 address to which an IPv4 address is mapped (RFC 4291 §2.5.5.2); an IPv6 address is unchanged. */
export function mapToIpv6(address: Buffer): Buffer {
  return address.length === IPV6_BYTES ? address : Buffer.concat([MAPPED, address]);
}

/** The address in dotted decimal form, or in the form of RFC 5952. */
export function formatIp(bytes: Buffer): string {
  if (bytes.length === IPV4_BYTES) return bytes.join('.');
  if (MAPPED.equals(bytes.subarray(0, MAPPED.length))) return `::ffff:${bytes.subarray(MAPPED.length).join('.')}`;
  const groups = Array.from({ length: GROUPS }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** The groups between colons; an IPv4 address may take the place of the last two groups. Null for any other text. */
function groupsOf(text: string, isEnd: boolean): number[] | null {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const v4 = isEnd && i === parts.length - 1 ? parseIpv4(part) : null;
    if (v4 === null) return null;
    groups.push(v4.readUInt16BE(0), v4.readUInt16BE(2));
  }
  return groups;
}

/** The run of zeros that `::` replaces: the longest one, and the first of several (RFC 5952 §4.2). */
function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  for (let start = 0; start < GROUPS; start++) {
    let end = start;
    while (end < GROUPS && groups[end] === '0') end++;
    if (end - start > longest.length) longest = { start, length: end - start };
  }
  return longest;
}
