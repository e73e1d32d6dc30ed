import type { ServerHttp2Session } from 'node:http2';
import { type Deadline, type Deadlines, ProxyError } from '../base/index.ts';
import type { ServiceLimits } from '../config/index.ts';

/**
 * Finds out whether a silent client is still there: after h2_read_idle_timeout without a byte from it, it is pinged
 * (RFC 9113 §6.7), and given up when it is silent for h2_ping_timeout more.
 */
export class Http2Pings {
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly session: ServerHttp2Session;
  private readonly socket: { readonly bytesRead: number };
  private readonly limits: ServiceLimits;
  private received = 0;
  private asked = false;

  /** @param onSilent called when the client has not answered */
  constructor(
    deadlines: Deadlines,
    session: ServerHttp2Session,
    socket: { readonly bytesRead: number },
    limits: ServiceLimits,
    onSilent: (error: ProxyError) => void,
  ) {
    this.deadlines = deadlines;
    this.session = session;
    this.socket = socket;
    this.limits = limits;
    this.deadline = deadlines.create(() => this.onDeadline(onSilent));
    deadlines.set(this.deadline, limits.h2ReadIdleTimeout);
  }

  close(): void {
    this.deadlines.remove(this.deadline);
  }

  private onDeadline(onSilent: (error: ProxyError) => void): void {
    const { h2ReadIdleTimeout, h2PingTimeout } = this.limits;
    const { bytesRead } = this.socket;
    const silent = bytesRead === this.received;
    this.received = bytesRead;
    if (!silent || this.session.destroyed) {
      this.asked = false;
      return this.deadlines.set(this.deadline, h2ReadIdleTimeout);
    }
    if (this.asked) return onSilent(new ProxyError('client_stalled', `no answer to a PING for ${h2PingTimeout} ms`));
    this.asked = h2PingTimeout > 0 && this.session.ping(onAnswer);
    this.deadlines.set(this.deadline, this.asked ? h2PingTimeout : h2ReadIdleTimeout);
  }
}

/** The answer is seen as bytes that came. */
function onAnswer(): void {}
