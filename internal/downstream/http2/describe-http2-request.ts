import { LINE_BYTES } from './http2-limits.ts';
import { ProxyError } from '../../base/index.ts';
import { type HeadLimits, MAX_METHOD_BYTES } from '../../http1/index.ts';
import {
  CHUNKED,
  COLON,
  CONNECTION_SPECIFIC,
  FieldId,
  isAuthority,
  isToken,
  NO_BODY,
  readFieldPairs,
  requestFraming,
} from '../../message/index.ts';
import { normalizeHost } from '../../router/index.ts';
import { encodeBeyondAscii, readPath } from '../http1/describe-request.ts';
import type { ReceivedRequest } from '../received-request.ts';

/** The pseudo-fields of a request (RFC 9113 §8.3.1, RFC 8441 §4); empty where there is none. */
interface PseudoFields {
  method: string;
  scheme: string;
  authority: string;
  path: string;
  protocol: string;
  /** Field lines named cookie. */
  cookies: number;
  /** Names and values as they would stand in an HTTP/1.1 head. */
  bytes: number;
}

/**
 * Reads a request from its field section. nghttp2 has already checked that pseudo-fields stand first, that each occurs once
 * and none is missing (RFC 9113 §8.3.1), and that a Content-Length equals the length of the content (§8.1.1).
 * @param pairs name, value, name, value …
 * @param ended whether the stream ends with the section
 * @throws ProxyError
 */
export function readHttp2Request(
  pairs: readonly string[],
  ended: boolean,
  limits: HeadLimits,
  request: ReceivedRequest,
): void {
  const pseudo = readPseudoFields(pairs);
  request.method = pseudo.method;
  request.bytesIn = pseudo.bytes;
  // Set first, so that the log has it if the request is refused.
  request.authority = pseudo.authority;
  checkLimits(pairs, pseudo, limits);
  if (pseudo.method.length > MAX_METHOD_BYTES) {
    throw new ProxyError('bad_start_line', `the method is longer than ${MAX_METHOD_BYTES} bytes`);
  }
  if (!isToken(pseudo.method)) throw new ProxyError('bad_start_line', 'the method is no token');
  const fields = request.requestFields;
  readFieldPairs(fields, pseudo.cookies > 1 ? joinCookies(pairs) : pairs, 'bad_field_line');
  // nghttp2 already refuses these, but prox does not rely on that.
  if (fields.holdsAny(CONNECTION_SPECIFIC)) {
    throw new ProxyError('bad_field_line', 'a field that speaks of the connection (RFC 9113 §8.2.2)');
  }
  readAuthority(pseudo, request);
  readTarget(pseudo, request);
  readFraming(pseudo, ended, request);
}

function readPseudoFields(pairs: readonly string[]): PseudoFields {
  const pseudo = { method: '', scheme: '', authority: '', path: '', protocol: '', cookies: 0, bytes: 0 };
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i];
    const value = pairs[i + 1];
    pseudo.bytes += name.length + value.length + LINE_BYTES;
    if (name.charCodeAt(0) !== COLON) {
      if (name === 'cookie') pseudo.cookies++;
    } else if (name === ':method') pseudo.method = value;
    else if (name === ':path') pseudo.path = value;
    else if (name === ':authority') pseudo.authority = value;
    else if (name === ':scheme') pseudo.scheme = value;
    else if (name === ':protocol') pseudo.protocol = value;
    else throw new ProxyError('bad_field_line', `the pseudo-field ${name.slice(0, 100)} is not known`);
  }
  return pseudo;
}

function checkLimits(pairs: readonly string[], pseudo: PseudoFields, limits: HeadLimits): void {
  if (pseudo.path.length > limits.maxTargetBytes) {
    throw new ProxyError('target_too_long', `:path is longer than ${limits.maxTargetBytes} bytes`);
  }
  let lines = pairs.length / 2;
  for (let i = 0; i < pairs.length && pairs[i].charCodeAt(0) === COLON; i += 2) lines--;
  // The parts of a cookie are one field, which the client has split for better compression.
  if (pseudo.cookies > 1) lines -= pseudo.cookies - 1;
  if (pseudo.bytes > limits.maxHeaderBytes) {
    throw new ProxyError('head_too_large', `the head is larger than ${limits.maxHeaderBytes} bytes`);
  }
  if (lines > limits.maxHeaders) {
    throw new ProxyError('head_too_large', `the head has more than ${limits.maxHeaders} fields`);
  }
}

/** RFC 9113 §8.2.3: the parts of a cookie are joined to one field before they are passed to code without HTTP/2. */
function joinCookies(pairs: readonly string[]): string[] {
  const joined: string[] = [];
  let at = -1;
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i];
    if (name === 'cookie' && at >= 0) {
      joined[at] += `; ${pairs[i + 1]}`;
      continue;
    }
    joined.push(name, pairs[i + 1]);
    if (name === 'cookie') at = joined.length - 1;
  }
  return joined;
}

/** RFC 9113 §8.3.1: `:authority` takes the place of Host; a Host with another value makes the request malformed. */
function readAuthority(pseudo: PseudoFields, request: ReceivedRequest): void {
  const { requestFields: fields } = request;
  const hosts = fields.list(FieldId.host);
  const authority = pseudo.authority === '' ? hosts : pseudo.authority;
  if (authority === null || !isAuthority(authority)) throw new ProxyError('bad_host', `:authority: ${authority ?? ''}`);
  if (hosts !== null && hosts.toLowerCase() !== authority.toLowerCase()) {
    throw new ProxyError('bad_host', `Host: ${hosts} with :authority: ${authority}`);
  }
  request.authority = authority;
  request.host = normalizeHost(authority);
}

function readTarget(pseudo: PseudoFields, request: ReceivedRequest): void {
  const { method, path, protocol } = pseudo;
  if (method === 'CONNECT' && protocol === '') {
    if (!/:[0-9]+$/.test(request.authority)) throw new ProxyError('bad_target', 'CONNECT takes host:port');
    return;
  }
  if (!/^https?$/i.test(pseudo.scheme)) throw new ProxyError('bad_target', `the scheme ${pseudo.scheme} is not served`);
  if (path === '*' && method === 'OPTIONS') {
    request.path = request.forwardPath = '*';
    return;
  }
  if (!/^\/[\x21\x22\x24-\x7e\x80-\xff]*$/.test(path))
    throw new ProxyError('bad_target', `:path ${path.slice(0, 200)}`);
  const mark = path.indexOf('?');
  request.path = request.forwardPath = mark < 0 ? path : path.slice(0, mark);
  readPath(request, request.service.limits);
  request.query = mark < 0 ? '' : encodeBeyondAscii(path.slice(mark));
}

function readFraming(pseudo: PseudoFields, ended: boolean, request: ReceivedRequest): void {
  const { requestFields: fields } = request;
  const length = requestFraming(fields, 1);
  const told = fields.holds(FieldId.contentLength);
  if (pseudo.method === 'CONNECT') {
    // RFC 9110 §9.3.6: CONNECT has no content; the data of the stream belongs to the tunnel.
    if (told) throw new ProxyError('bad_framing', 'CONNECT with a Content-Length');
    return;
  }
  if (pseudo.protocol !== '') throw new ProxyError('bad_upgrade', ':protocol without CONNECT (RFC 8441 §4)');
  if (ended && length > 0) throw new ProxyError('bad_content_length', 'the stream ends before its content');
  request.requestFraming = ended ? NO_BODY : told ? length : CHUNKED;
  if (fields.list(FieldId.expect) !== null) request.expectsContinue = request.requestFraming !== NO_BODY;
}

/** The protocol that an extended CONNECT asks for (RFC 8441 §4); empty for other requests. */
export function protocolOf(pairs: readonly string[]): string {
  for (let i = 0; i + 1 < pairs.length && pairs[i].charCodeAt(0) === COLON; i += 2) {
    if (pairs[i] === ':protocol') return pairs[i + 1];
  }
  return '';
}

/** Whether the client takes trailers. RFC 9113 §8.2.2: TE may hold nothing but `trailers`. */
export function acceptsTrailers({ requestFields }: ReceivedRequest): boolean {
  return requestFields.list(FieldId.te) !== null;
}
