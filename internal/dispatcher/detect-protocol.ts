import type { SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';
import { PlainDetection } from './plain-detection.ts';
import { TlsDetection } from './tls-detection.ts';

/** What reads the first bytes that belong to the client itself. */
export function detectProtocol(connection: Connection, slot: SessionSlot): ConnectionHandler {
  const { plain, peeks } = slot.current;
  return plain && !peeks ? new PlainDetection(connection, slot) : new TlsDetection(connection, slot);
}
