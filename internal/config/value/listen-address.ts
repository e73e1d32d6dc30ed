import { MAX_UNIX_PATH } from '../../base/index.ts';
import type { ListenAddress } from '../config.ts';
import { InvalidValue, quote } from './invalid-value.ts';
import { ipFamily, isIPv6 } from './ip-address.ts';

const ALLOWED = '":8080" (all addresses), "127.0.0.1:8080", "[::1]:8080" or "unix:///run/prox.sock"';

/**
 * Parses a listen address: `:8080` is all addresses, v4 and v6; `127.0.0.1:8080`, `[::1]:80` and `localhost:80` are one; a
 * Unix socket is `unix://` and an absolute path. Port 0 lets the system choose.
 *
 * @throws InvalidValue
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith('unix:')) return parseUnix(text);
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  if (match === null) throw new InvalidValue(`expected ${ALLOWED}, found ${quote(text)}${hint(text)}`);
  const port = Number(match[3]);
  if (port > 65535) throw new InvalidValue(`expected a port from 0 to 65535, found ${quote(text)}`);
  const [, v6, name] = match;
  if (v6 !== undefined && !isIPv6(v6))
    throw new InvalidValue(`expected an IPv6 address in the brackets, found ${quote(text)}`);
  const host = v6 ?? (name === '' ? null : name);
  if (host !== null && v6 === undefined && !isHostName(host)) {
    throw new InvalidValue(
      `expected ${ALLOWED}, found ${quote(text)}${host === '*' ? `: all addresses is ":${port}"` : ''}`,
    );
  }
  return Object.freeze({ kind: 'tcp', host, port, text });
}

function parseUnix(text: string): ListenAddress {
  const path = /^unix:\/\/(\/.*)$/s.exec(text)?.[1];
  if (path === undefined) {
    throw new InvalidValue(
      `expected "unix://" and an absolute path, as in "unix:///run/prox.sock", found ${quote(text)}`,
    );
  }
  if (path.includes('\0') || path.endsWith('/')) {
    throw new InvalidValue(`expected the path of a socket file after "unix://", found ${quote(text)}`);
  }
  if (Buffer.byteLength(path) > MAX_UNIX_PATH) {
    throw new InvalidValue(
      `expected a socket path of at most ${MAX_UNIX_PATH} bytes, found ${Buffer.byteLength(path)}`,
    );
  }
  return Object.freeze({ kind: 'unix', path, text });
}

/** True for an IPv4 address or a DNS name. Dotted numbers that are no IPv4 address are not names (`1.2.3`). */
function isHostName(host: string): boolean {
  if (ipFamily(host) === 4) return true;
  return (
    /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i.test(host) && !/^[\d.]+$/.test(host)
  );
}

function hint(text: string): string {
  if (/^\d{1,5}$/.test(text)) return `: did you mean ":${text}"?`;
  if (isIPv6(text) || /^[\da-f:]*::[\da-f:]*$/i.test(text)) return ': an IPv6 address goes in brackets';
  if (/^https?:\/\//.test(text)) return ': leave the scheme out';
  return text !== '' && !text.includes(':') ? ': the port is missing' : '';
}

/** True when two services could not both bind their addresses. */
export function listenAddressesClash(a: ListenAddress, b: ListenAddress): boolean {
  if (a.kind === 'unix' || b.kind === 'unix') return a.kind === 'unix' && b.kind === 'unix' && a.path === b.path;
  if (a.port !== b.port || a.port === 0) return false;
  const [first, second] = [canonicalHost(a.host), canonicalHost(b.host)];
  if (first === second || first === '::' || second === '::') return true;
  if (first === '0.0.0.0') return !isIPv6(second);
  return second === '0.0.0.0' && !isIPv6(first);
}

/** `:p` listens on v6 and v4, as `[::]:p` does; other v6 addresses are compared in their shortest form. */
function canonicalHost(host: string | null): string {
  if (host === null) return '::';
  return isIPv6(host) ? new URL(`http://[${host}]`).hostname.slice(1, -1) : host.toLowerCase();
}
