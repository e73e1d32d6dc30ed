import { randomBytes } from 'node:crypto';
import { ProxyError } from '../../base/index.ts';
import { type Fields, webSocketAccept } from '../../message/index.ts';

const KEY_BYTES = 16;

/** Fields of the handshake in HTTP/1.1 that HTTP/2 does not use (RFC 8441 §5). */
export const HANDSHAKE_FIELDS: ReadonlySet<string> = new Set(['sec-websocket-accept']);

/**
 * Gives a request that came as extended CONNECT (RFC 8441) the fields that make it the GET of RFC 6455 §4.1.
 * @param protocol the value of `:protocol`
 * @returns the expected Sec-WebSocket-Accept
 * @throws ProxyError with status 501 for other protocols
 */
export function beginWebSocket(protocol: string, fields: Fields): string {
  if (protocol !== 'websocket') {
    throw new ProxyError('bad_upgrade', `:protocol ${protocol.slice(0, 100)} is not served`, { status: 501 });
  }
  const key = randomBytes(KEY_BYTES).toString('base64');
  fields.set('Sec-WebSocket-Key', key);
  if (!fields.has('sec-websocket-version')) fields.append('Sec-WebSocket-Version', '13');
  return webSocketAccept(key);
}
