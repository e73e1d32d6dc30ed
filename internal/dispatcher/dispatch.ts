import { Http1Session, type SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';

/**
 * Decides what an accepted connection is. Every connection is plain HTTP/1.1 for now; here is the place where the
 * first bytes are looked at once listeners terminate or relay TLS.
 */
export function dispatch(connection: Connection, slot: SessionSlot): ConnectionHandler {
  return new Http1Session(connection, slot, false);
}
