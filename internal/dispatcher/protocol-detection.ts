import { ProxyError } from '../base/index.ts';
import { type DrainableSession, DRAINING_START_MS, type SessionSlot } from '../downstream/index.ts';
import { type ConnectionDecision, type PhaseOwner, type Run, runPhase } from '../exchange/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';

/** A connection whose first bytes do not yet show its protocol. It has header_timeout to send them. */
export abstract class ProtocolDetection implements ConnectionHandler, DrainableSession, PhaseOwner {
  place = -1;
  protected readonly connection: Connection;
  protected readonly slot: SessionSlot;
  /** The asynchronous work of a filter of the service. */
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
   * Asks the filters of the service whether to admit the connection. It is paused while a filter works.
   * @param serverName of its ClientHello, in normal form; null if that was not read yet
   * @param next called if it is admitted
   */
  protected admit(serverName: string | null, next: () => void): void {
    const { onConnection } = this.slot.current;
    if (onConnection === null) return next();
    const { remoteAddress, remotePort, localAddress, localPort } = this.connection;
    const client = { clientAddress: remoteAddress, clientPort: remotePort, localAddress, localPort, serverName };
    const decided = (decision: ConnectionDecision): void => {
      if (decision === null) next();
      else if (decision === 'drop') this.connection.destroy();
      else this.refuse(new ProxyError('dropped', 'a filter of the service refused the connection'));
    };
    // A connection that was just accepted is not guarded yet.
    try {
      runPhase(
        onConnection,
        this,
        (filter) => filter.onConnection(client),
        decided,
        (error) => this.refuse(error),
      );
    } catch (thrown) {
      this.refuse(thrown);
    }
  }

  onBroken(error: unknown): void {
    this.slot.current.sessionBroken(this.connection.remoteAddress, ProxyError.from(error));
  }

  /**
   * Waits for the first bytes a little longer: a request that the client sent before it could notice the drain is
   * answered.
   */
  drain(): void {
    this.connection.expect(DRAINING_START_MS);
  }

  kill(): void {
    this.connection.destroy();
  }

  /** Closes a connection with an invalid beginning. */
  protected refuse(thrown: unknown): void {
    const error = ProxyError.from(thrown);
    if (error.source === 'internal') this.slot.current.sessionBroken(this.connection.remoteAddress, error);
    else this.slot.current.connectionRefused(this.connection.remoteAddress, error);
    this.connection.destroy();
  }

  /** The connection got another handler, or has closed. The slot already knows the new session. */
  protected leave(): void {
    this.slot.sessionEnded(this);
  }
}
