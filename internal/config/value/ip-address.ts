import ipaddr from 'ipaddr.js';

/**
 * 4 or 6 for an IP address in its usual spelling, without a zone; 0 for anything else. It is node:net's isIP without the
 * package that owns sockets. ipaddr.js alone takes 0x7f.1 and other spellings that users do not expect.
 */
export function ipFamily(text: string): 0 | 4 | 6 {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return 4;
  if (!/^[0-9a-fA-F:.]+$/.test(text) || !text.includes(':')) return 0;
  const tail = text.slice(text.lastIndexOf(':') + 1);
  if (tail.includes('.') && !ipaddr.IPv4.isValidFourPartDecimal(tail)) return 0;
  return ipaddr.IPv6.isValid(text) ? 6 : 0;
}

export function isIPv6(text: string): boolean {
  return ipFamily(text) === 6;
}
