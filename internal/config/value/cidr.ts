import ipaddr from 'ipaddr.js';
import { InvalidValue, quote } from './invalid-value.ts';
import { ipFamily } from './ip-address.ts';

/**
 * Checks an address range and writes it in its shortest form: `10.1.2.3/8` is `10.0.0.0/8`, a bare address a /32 or /128.
 *
 * @throws InvalidValue
 */
export function parseCidr(text: string): string {
  const [address = '', length, ...rest] = text.split('/');
  const family = ipFamily(address);
  if (family === 0 || rest.length > 0) throw refusal(text);
  const bits = family === 4 ? 32 : 128;
  if (length !== undefined && (!/^\d{1,3}$/.test(length) || Number(length) > bits)) throw refusal(text);
  const cidr = `${address}/${length === undefined ? bits : Number(length)}`;
  const network = family === 4 ? ipaddr.IPv4.networkAddressFromCIDR(cidr) : ipaddr.IPv6.networkAddressFromCIDR(cidr);
  return `${network.toString()}/${cidr.split('/')[1]}`;
}

function refusal(text: string): InvalidValue {
  return new InvalidValue(`expected an address or a range such as "10.0.0.0/8" or "fd00::/8", found ${quote(text)}`);
}
