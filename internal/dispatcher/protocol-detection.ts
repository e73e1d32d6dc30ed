import { ProxyError } from '../base/index.ts';
import type { DrainableSession, SessionSlot } from '../downstream/index.ts';
import { type PhaseOwner, type Run, runPhase } from '../exchange/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';

/**
 * Milliseconds for the first bytes when the listener goes away. A client that has connected sends at once: with nothing
 * in the meantime, closing would fail a request that is on its way, and on a new connection clients do not try again.
 */
const DRAINING_START_MS = 500;

/** A connection of which not enough bytes are known to tell what it is. It has header_timeout to say so. */
export abstract class ProtocolDetection implements ConnectionHandler, DrainableSession, PhaseOwner {
  place = -1;
  protected readonly connection: Connection;
  protected readonly slot: SessionSlot;
  /** What a filter of the service waits for. */
  private run: Run<unknown> | null = null;

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
    this.run?.abort();
    this.leave();
  }

  guard(action: () => void): void {
    this.connection.guard(action);
  }

  waitFor(run: Run<unknown> | null): void {
    this.run = run;
    if (run === null) this.connection.resume();
    else this.connection.pause();
  }

  /**
   * Asks the filters of the service whether the connection may come in. It is paused while one of them waits.
   * @param serverName of its ClientHello, in normal form; null as long as that was not read
   * @param next what happens when it may
   */
  protected admit(serverName: string | null, next: () => void): void {
    const { onConnection } = this.slot.current;
    if (onConnection === null) return next();
    const { remoteAddress, remotePort, localAddress, localPort } = this.connection;
    const client = { clientAddress: remoteAddress, clientPort: remotePort, localAddress, localPort, serverName };
    runPhase(
      onConnection,
      this,
      (filter) => filter.onConnection(client),
      (decision) => {
        if (decision === null) next();
        else if (decision === 'drop') this.connection.destroy();
        else this.refuse(new ProxyError('dropped', 'a filter of the service refused the connection'));
      },
      (error) => this.refuse(error),
    );
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
