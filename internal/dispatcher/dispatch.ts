import type { SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';
import { detectProtocol } from './detect-protocol.ts';
import { ProxyHeaderDetection } from './proxy-header-detection.ts';

/**
 * Decides the protocol of an accepted connection by its first bytes:
 *
 *     from a trusted proxy, with proxy_protocol ── PROXY header ──> as below
 *
 *     plain listener ─┬─ HTTP/2 preface ──────────────────────────────────> Http2Session
 *                     ├─ ClientHello, if routes pass ─ pass, drop ────────> RelaySession
 *                     └─ anything else ───────────────────────────────────> Http1Session
 *     TLS listener ───┬─ no TLS record ───────────────────────────────────> 400
 *                     ├─ ClientHello, if routes need it ─ pass, drop ─────> RelaySession
 *                     └─ TLS ─ ALPN ─┬─ h2 ───────────────────────────────> Http2Session
 *                                    └─ http/1.1, none ───────────────────> Http1Session
 */
export function dispatch(connection: Connection, slot: SessionSlot): ConnectionHandler {
  const { current } = slot;
  if (current.expectsProxyHeader && current.trusts(connection.remoteAddress)) {
    return new ProxyHeaderDetection(connection, slot);
  }
  return detectProtocol(connection, slot);
}
