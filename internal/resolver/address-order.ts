/** Facts about the machine's own addresses that decide in which order other addresses are tried. */
export interface Reach {
  /** Whether the machine has an IPv6 address other than loopback and link-local. */
  readonly globalIPv6: boolean;
  /** Whether the machine has ::1. */
  readonly loopbackIPv6: boolean;
}

/**
 * The order in which addresses are tried. Of RFC 6724 §2.1, only the part that depends on the machine counts: IPv6
 * comes first if the machine has a global IPv6 address, otherwise IPv4. Then the families alternate (RFC 8305 §4), so
 * that a family that does not work costs one attempt and not all. Within a family, each dial begins with the next
 * address. This spreads connections, like DNS servers that rotate their answers.
 * @param turn number of dials so far
 */
export function orderAddresses(addresses: readonly string[], reach: Reach, turn: number): readonly string[] {
  if (addresses.length < 2) return addresses;
  const six = rotated(addresses.filter(isIPv6), turn);
  const four = rotated(
    addresses.filter((address) => !isIPv6(address)),
    turn,
  );
  const [first, second] = prefersIPv6(six, reach) ? [six, four] : [four, six];
  const ordered: string[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (i < first.length) ordered.push(first[i]);
    if (i < second.length) ordered.push(second[i]);
  }
  return ordered;
}

/** Even without a global address, ::1 is preferred to 127.0.0.1 (RFC 6724 §2.1: precedence 50 and 35). */
function prefersIPv6(six: readonly string[], { globalIPv6, loopbackIPv6 }: Reach): boolean {
  return globalIPv6 || (loopbackIPv6 && six.length > 0 && six.every((address) => address === '::1'));
}

function rotated(addresses: readonly string[], turn: number): readonly string[] {
  const by = addresses.length === 0 ? 0 : turn % addresses.length;
  return by === 0 ? addresses : [...addresses.slice(by), ...addresses.slice(0, by)];
}

/** Whether an address is an IPv6 address. */
export function isIPv6(address: string): boolean {
  return address.includes(':');
}

/** Determines the reach from the machine's own addresses. */
export function reachOf(own: readonly string[]): Reach {
  const six = own.filter(isIPv6).map((address) => address.toLowerCase());
  return {
    // fe80::/10 is link-local (RFC 4291 §2.5.6).
    globalIPv6: six.some((address) => address !== '::1' && !/^fe[89ab]/.test(address)),
    loopbackIPv6: six.includes('::1'),
  };
}
