import { createHash } from 'node:crypto';
import { Fields, readFieldPairs } from '../message/index.ts';
import type { UpstreamRequest } from './upstream-link.ts';

/** RFC 6455 §1.3: proves that the server has understood the handshake. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * The fields of the 101 that stands for a 2xx to an extended CONNECT: RFC 8441 §5 leaves out Upgrade and the key of the
 * handshake, which a client of HTTP/1.1 waits for.
 * @param raw of the 2xx: name, value, name, value …
 * @throws ProxyError bad_response
 */
export function switchedFields(request: UpstreamRequest, raw: readonly string[]): Fields {
  const pairs = ['upgrade', request.upgrade ?? '', ...raw];
  const key = request.webSocketKey;
  if (key !== null) {
    pairs.push('sec-websocket-accept', createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64'));
  }
  const fields = new Fields();
  readFieldPairs(fields, pairs, 'bad_response');
  return fields;
}
