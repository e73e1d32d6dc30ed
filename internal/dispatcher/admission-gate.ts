import type { SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';
import { FirstBytes } from './first-bytes.ts';
import { ProtocolDetection } from './protocol-detection.ts';

/**
 * An accepted connection for which the filters of the service are being asked. Bytes that it sends meanwhile are kept.
 */
export class AdmissionGate extends ProtocolDetection {
  private readonly next: () => ConnectionHandler;
  private readonly first = new FirstBytes();
  private ended = false;
  /** The handler that the connection got next; null while it waits, or if it was refused. */
  private successor: ConnectionHandler | null = null;

  private constructor(connection: Connection, slot: SessionSlot, next: () => ConnectionHandler) {
    super(connection, slot);
    this.next = next;
  }

  /**
   * Asks the filters.
   * @param next makes the handler of an admitted connection
   * @returns that handler if the filters have decided at once; otherwise the gate, which that handler replaces later
   */
  static open(connection: Connection, slot: SessionSlot, next: () => ConnectionHandler): ConnectionHandler {
    const gate = new AdmissionGate(connection, slot, next);
    gate.admit(null, () => gate.goOn());
    return gate.successor ?? gate;
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.first.add(buffer, start, end);
  }

  override onEnd(): void {
    this.ended = true;
  }

  private goOn(): void {
    const { connection, first } = this;
    const handler = this.next();
    this.successor = handler;
    connection.handler = handler;
    this.leave();
    const { bytes } = first;
    if (bytes.length > 0) handler.onData(bytes, 0, bytes.length);
    if (this.ended) connection.handler.onEnd();
  }
}
