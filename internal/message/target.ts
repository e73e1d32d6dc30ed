import { ProxyError } from '../base/index.ts';
import { isAuthority } from './authority.ts';
import { FieldId } from './field-names.ts';
import type { Fields } from './fields.ts';

/** The target of a request (RFC 9112 §3.3), without the scheme, which the connection determines. */
export interface RequestTarget {
  /** Host and port as the client wrote them; empty only for HTTP/1.0 requests without Host. */
  authority: string;
  /** As sent: `/…`, `*` for OPTIONS, or empty for CONNECT. Not normalised. */
  path: string;
  /** With its `?`, or empty. As sent. */
  query: string;
}

/** The parts of a request head that determine its target. */
export interface RequestLine {
  readonly method: string;
  /** The request target as it was sent. */
  readonly target: string;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  readonly minorVersion: number;
  /** Whether the target holds a `?`. */
  readonly hasQuery: boolean;
  readonly fields: Fields;
}

const SLASH = 0x2f;

/**
 * Reads the request target in any of its four forms (RFC 9112 §3.2) together with Host.
 * @throws ProxyError bad_host or bad_target
 */
export function readTarget(head: RequestLine, into: RequestTarget): void {
  const host = readHost(head);
  const target = head.target;
  if (head.method === 'CONNECT') {
    // authority-form (§3.2.3), with a port.
    if (!isAuthority(target) || !/:[0-9]+$/.test(target)) throw badTarget(target, 'CONNECT takes host:port');
    into.authority = target;
    into.path = '';
    into.query = '';
    return;
  }
  into.authority = host;
  if (target.charCodeAt(0) === SLASH) return split(target, head.hasQuery, into);
  if (target === '*') {
    // asterisk-form (§3.2.4)
    if (head.method !== 'OPTIONS') throw badTarget(target, '* is for OPTIONS alone');
    into.path = '*';
    into.query = '';
    return;
  }
  readAbsolute(head.method, target, into);
}

/** Host (§3.2): once in every HTTP/1.1 request, at most once in HTTP/1.0. */
function readHost(head: RequestLine): string {
  const { fields } = head;
  const host = fields.first(FieldId.host);
  if (host === null) {
    if (head.minorVersion === 1) throw new ProxyError('bad_host', 'no Host field');
    return '';
  }
  if (fields.repeats(FieldId.host)) throw new ProxyError('bad_host', 'more than one Host field');
  if (!isAuthority(host)) throw new ProxyError('bad_host', `Host: ${host}`);
  return host;
}

/** absolute-form (§3.2.2): its authority replaces Host. */
function readAbsolute(method: string, target: string, into: RequestTarget): void {
  const scheme = /^https?:\/\//i.exec(target);
  if (scheme === null) throw badTarget(target, 'neither a path nor an http URI');
  const start = scheme[0].length;
  let end = start;
  while (end < target.length && target[end] !== '/' && target[end] !== '?') end++;
  const authority = target.slice(start, end);
  if (!isAuthority(authority)) throw badTarget(target, 'its authority is malformed');
  into.authority = authority;
  const rest = target.slice(end);
  if (rest === '' && method === 'OPTIONS') {
    // §3.2.4: a proxy forwards an OPTIONS for the whole server as "*".
    into.path = '*';
    into.query = '';
    return;
  }
  // §3.2.1: an empty path is sent as "/".
  split(rest.startsWith('/') ? rest : `/${rest}`, rest.includes('?'), into);
}

function split(pathAndQuery: string, hasQuery: boolean, into: RequestTarget): void {
  if (!hasQuery) {
    into.path = pathAndQuery;
    into.query = '';
    return;
  }
  const mark = pathAndQuery.indexOf('?');
  into.path = pathAndQuery.slice(0, mark);
  into.query = pathAndQuery.slice(mark);
}

function badTarget(target: string, why: string): ProxyError {
  return new ProxyError('bad_target', `request target ${target.slice(0, 200)}: ${why}`);
}
