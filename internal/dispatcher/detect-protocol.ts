import type { SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';
import { AdmissionGate } from './admission-gate.ts';
import { PlainDetection } from './plain-detection.ts';
import { TlsDetection } from './tls-detection.ts';

/**
 * Makes the handler that reads the first bytes of the client itself, after the filters of the service have admitted the
 * connection.
 */
export function detectProtocol(connection: Connection, slot: SessionSlot): ConnectionHandler {
  if (slot.current.onConnection === null) return plainOrTls(connection, slot);
  return AdmissionGate.open(connection, slot, () => plainOrTls(connection, slot));
}

function plainOrTls(connection: Connection, slot: SessionSlot): ConnectionHandler {
  const { plain, peeks } = slot.current;
  return plain && !peeks ? new PlainDetection(connection, slot) : new TlsDetection(connection, slot);
}
