import { type Deadline, type Deadlines, ProxyError } from '../../base/index.ts';
import type { ServiceLimits } from '../../config/index.ts';
import type { ServerSession } from './http2-port.ts';

/** Milliseconds of silence after which a client is pinged, unless the config says otherwise. */
const DEFAULT_READ_IDLE_MS = 30_000;

/** The session with the client that is pinged. */
export interface PingedSession {
  /** Whether some stream has bytes that the client has not taken, and stall_timeout applies to them. */
  readonly outputPending: boolean;
  /** The client, or node:http2, does not respond any more: ends the session at once. */
  kill(error: ProxyError): void;
}

/**
 * Finds out whether a silent client is still there. After h2_read_idle_timeout without a request or content prox pings it
 * (RFC 9113 §6.7), and gives it up if nothing comes within h2_ping_timeout.
 *
 * Bytes alone are no sign of life: node:http2 of Node 20 does not report that nghttp2 has ended a session for an error of the
 * connection and discards all further bytes. The PING then gets no answer, which reveals it.
 *
 * A PING leaves after all earlier bytes, which may take minutes for a slow client. As long as bytes are pending,
 * stall_timeout alone decides whether the client makes progress.
 */
export class Http2Pings {
  /** Set whenever a request or content comes. */
  heard = false;
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly session: ServerSession;
  private readonly limits: ServiceLimits;
  private readonly owner: PingedSession;
  private readonly idleMs: number;
  private asked = false;

  constructor(deadlines: Deadlines, session: ServerSession, limits: ServiceLimits, owner: PingedSession) {
    this.deadlines = deadlines;
    this.session = session;
    this.limits = limits;
    this.owner = owner;
    this.deadline = deadlines.create(() => this.onDeadline());
    this.idleMs = limits.h2ReadIdleTimeout ?? DEFAULT_READ_IDLE_MS;
    deadlines.set(this.deadline, this.idleMs);
  }

  close(): void {
    this.deadlines.remove(this.deadline);
  }

  private onDeadline(): void {
    const { h2PingTimeout } = this.limits;
    // A destroyed session that is still here waits for a client that does not take the last frames.
    if (this.session.destroyed) return this.owner.kill(new ProxyError('client_stalled', 'no close came'));
    if (this.heard || this.owner.outputPending) this.asked = false;
    else if (this.asked) {
      return this.owner.kill(new ProxyError('client_stalled', `no answer to a PING for ${h2PingTimeout} ms`));
    } else if (h2PingTimeout > 0) {
      this.asked = this.session.ping(() => this.sessionOnAnswer());
    }
    this.heard = false;
    this.deadlines.set(this.deadline, this.asked ? h2PingTimeout : this.idleMs);
  }

  /** Also called when the session ends. */
  private sessionOnAnswer(): void {
    this.asked = false;
    if (!this.session.destroyed) this.deadlines.set(this.deadline, this.idleMs);
  }
}
