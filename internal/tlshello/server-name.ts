import { badClientHello, type Cursor } from './cursor.ts';
import { MAX_SERVER_NAME_BYTES } from './limits.ts';

const HOST_NAME = 0;
const DOT = 0x2e;

/** Bytes of names: letters, digits, `-` and `_`, which the DNS has beside host names. */
const NAME_BYTE = /^[A-Za-z0-9_-]+$/;

/**
 * The name of server_name (RFC 6066 §3), in lower case and without one trailing dot; null for an IPv4 address. RFC 6066
 * permits none there, but clients send what stands in their URL, and TLS libraries take it for a name that is unknown.
 *
 * The list has to be one host_name and nothing else. RFC 6066 would let names of other kinds stand beside it, but
 * none was ever defined, and TLS libraries disagree on what follows the first entry: a name that prox routes by and
 * another that the server behind it takes would be a way around the routes.
 */
export function readServerName(data: Cursor): string | null {
  const list = data.vector16(1);
  data.expectEnd('the list of server names');
  if (list.uint8() !== HOST_NAME) throw badClientHello('a server name that is no host_name');
  const text = list.vector16(1).latin1();
  list.expectEnd('the host_name');
  const name = text.charCodeAt(text.length - 1) === DOT ? text.slice(0, -1) : text;
  if (!isHostName(name)) throw badClientHello('the server name is no host name');
  // What consists of numbers only is an IPv4 address, or what inet_aton takes for one.
  return /^[0-9.]+$/.test(name) ? null : name.toLowerCase();
}

/** Labels that are not empty, joined by dots. */
function isHostName(name: string): boolean {
  if (name.length > MAX_SERVER_NAME_BYTES) return false;
  return name.split('.').every((label) => NAME_BYTE.test(label));
}
