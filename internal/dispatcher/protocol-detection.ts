import { ProxyError } from '../base/index.ts';
import type { DrainableSession, SessionSlot } from '../downstream/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';

/**
 * Milliseconds for the first bytes when the listener goes away. A client that has connected sends at once: with nothing
 * in the meantime, closing would fail a request that is on its way, and on a new connection clients do not try again.
 */
const DRAINING_START_MS = 500;

/** A connection of which not enough bytes are known to tell what it is. It has header_timeout to say so. */
export abstract class ProtocolDetection implements ConnectionHandler, DrainableSession {
  place = -1;
  protected readonly connection: Connection;
  protected readonly slot: SessionSlot;

  constructor(connection: Connection, slot: SessionSlot) {
    this.connection = connection;
    this.slot = slot;
    slot.sessions.add(this);
    connection.expect(slot.current.limits.headerTimeout);
  }

  abstract onData(buffer: Buffer, start: number, end: number): void;

  onEnd(): void {
    this.connection.endAndClose();
  }

  onDrain(): void {}

  onDeadline(): void {
    this.connection.destroy();
  }

  onClose(): void {
    this.leave();
  }

  onBroken(error: unknown): void {
    this.slot.current.sessionBroken(this.connection.remoteAddress, ProxyError.from(error));
  }

  /** What a client has sent before it could know of the drain is answered, though it has not come yet. */
  drain(): void {
    this.connection.expect(DRAINING_START_MS);
  }

  kill(): void {
    this.connection.destroy();
  }

  /** Closes the connection: it does not begin as it has to. */
  protected refuse(thrown: unknown): void {
    const error = ProxyError.from(thrown);
    if (error.source === 'internal') this.slot.current.sessionBroken(this.connection.remoteAddress, error);
    else this.slot.current.connectionRefused(this.connection.remoteAddress, error);
    this.connection.destroy();
  }

  /** The connection has become something else, or is gone. Whatever it has become is known to the slot already. */
  protected leave(): void {
    this.slot.sessionEnded(this);
  }
}
