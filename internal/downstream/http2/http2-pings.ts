import { type Deadline, type Deadlines, ProxyError } from '../../base/index.ts';
import type { ServiceLimits } from '../../config/index.ts';
import type { ServerSession } from './http2-port.ts';

/** Milliseconds of silence after which a client is pinged, unless the config says otherwise. */
const DEFAULT_READ_IDLE_MS = 30_000;

/** Whose client may be silent. */
export interface PingedSession {
  /** Whether some stream has bytes that the client has not taken, and stall_timeout watches over them. */
  readonly outputPending: boolean;
  /** The client has gone without a word, or node:http2 has: ends the session at once. */
  kill(error: ProxyError): void;
}

/**
 * Finds out whether a silent client is still there: after h2_read_idle_timeout without a request or content from it, it
 * is pinged (RFC 9113 §6.7), and given up when nothing at all comes for h2_ping_timeout more.
 *
 * Bytes alone are no sign of life: node:http2 of Node 20 does not tell that nghttp2 has ended a session for an error of
 * the connection, and that it reads over whatever still comes. The PING, which is not answered then, finds it out.
 *
 * A PING stands behind everything that was sent before it, which a slow client takes minutes for: as long as there is
 * more for it, it is for stall_timeout to say whether it moves.
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
    // It would be gone, did the client take the last frames.
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
