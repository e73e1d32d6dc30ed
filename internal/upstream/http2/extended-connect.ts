import { Fields, readFieldPairs, webSocketAccept } from '../../message/index.ts';
import type { UpstreamRequest } from '../upstream-link.ts';

/**
 * The fields of the 101 that stands for a 2xx to an extended CONNECT: RFC 8441 §5 leaves out Upgrade and the key of the
 * handshake, which a client of HTTP/1.1 waits for.
 * @param raw of the 2xx: name, value, name, value …
 * @throws ProxyError bad_response
 */
export function switchedFields(request: UpstreamRequest, raw: readonly string[]): Fields {
  const pairs = ['upgrade', request.upgrade ?? '', ...raw];
  const key = request.webSocketKey;
  if (key !== null) pairs.push('sec-websocket-accept', webSocketAccept(key));
  const fields = new Fields();
  readFieldPairs(fields, pairs, 'bad_response');
  return fields;
}
