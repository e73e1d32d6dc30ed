import type { SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';
import { PlainStart } from './plain-start.ts';
import { TlsStart } from './tls-start.ts';

/** What reads the first bytes that belong to the client itself. */
export function begin(connection: Connection, slot: SessionSlot): ConnectionHandler {
  const { plain, peeks } = slot.current;
  return plain && !peeks ? new PlainStart(connection, slot) : new TlsStart(connection, slot);
}
