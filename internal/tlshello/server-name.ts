import { badClientHello, type Cursor } from './cursor.ts';
import { MAX_SERVER_NAME_BYTES } from './limits.ts';

const HOST_NAME = 0;
const DOT = 0x2e;

/** Bytes of names: letters, digits, `-`, and `_`, which occurs in DNS names although not in host names. */
const NAME_BYTE = /^[A-Za-z0-9_-]+$/;

/**
 * The name in server_name (RFC 6066 §3), in lower case and without one trailing dot; null for an IPv4 address. RFC 6066
 * does not permit addresses, but clients send the host of their URL, and TLS libraries treat an address as an unknown
 * name.
 *
 * The list must contain exactly one host_name. RFC 6066 would allow names of other kinds beside it, but none was ever
 * defined, and TLS libraries disagree about the entries after the first. If prox routed by one name and the server
 * behind it used another, a client could bypass the routes.
 */
export function readServerName(data: Cursor): string | null {
  const list = data.vector16(1);
  data.expectEnd('the list of server names');
  if (list.uint8() !== HOST_NAME) throw badClientHello('a server name that is no host_name');
  const text = list.vector16(1).latin1();
  list.expectEnd('the host_name');
  const name = text.charCodeAt(text.length - 1) === DOT ? text.slice(0, -1) : text;
  if (!isHostName(name)) throw badClientHello('the server name is no host name');
  // A name of digits and dots only is an IPv4 address, or a text that inet_aton accepts as one.
  return /^[0-9.]+$/.test(name) ? null : name.toLowerCase();
}

/** Whether the name consists of non-empty labels that are joined by dots. */
function isHostName(name: string): boolean {
  if (name.length > MAX_SERVER_NAME_BYTES) return false;
  return name.split('.').every((label) => NAME_BYTE.test(label));
}
