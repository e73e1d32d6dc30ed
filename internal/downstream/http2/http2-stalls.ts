import type { Deadline, Deadlines } from '../../base/index.ts';
import type { Http2Exchange } from './http2-exchange.ts';
import { LOOKS_A_STALL, PATIENCE_WHILE_OTHERS_MOVE } from './http2-limits.ts';

/** The progress of a stream at the last check, for each direction. Times are those of the last progress. */
interface Sighting {
  received: number;
  receivedAt: number;
  taken: number;
  takenAt: number;
}

/**
 * stall_timeout for the streams of a session. It checks all of them a few times in each stall_timeout, which is cheaper than
 * a deadline for every frame. The progress of a write is visible only when the whole of it has left. Until then, the progress
 * of the connection counts for the stream, for a limited time.
 */
export class Http2Stalls {
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly sent: () => number;
  private mostSent = 0;
  private sentAt = 0;
  private readonly seen = new Map<Http2Exchange, Sighting>();

  /**
   * @param sent bytes that the connection has sent, without answers to PING and SETTINGS
   * @param onLook called when it is time to call `look` for each stream, and then `watch`
   */
  constructor(deadlines: Deadlines, sent: () => number, onLook: () => void) {
    this.deadlines = deadlines;
    this.sent = sent;
    this.deadline = deadlines.create(onLook);
  }

  /** There are streams: checks them after a while. */
  watch(stallTimeout: number): void {
    if (this.deadline.at === 0) this.deadlines.set(this.deadline, stallTimeout / LOOKS_A_STALL);
  }

  /** Begins a round of checks. */
  begin(now: number): void {
    const sent = this.sent();
    if (sent <= this.mostSent) return;
    this.mostSent = sent;
    this.sentAt = now;
  }

  /** @returns whether the client has moved no byte for too long in a direction in which bytes are due */
  look(exchange: Http2Exchange, stallTimeout: number, now: number): boolean {
    const { seen } = this;
    if (stallTimeout === 0 || !exchange.waitsForClient) {
      seen.delete(exchange);
      return false;
    }
    const { bytesIn: received, taken } = exchange;
    const before = seen.get(exchange);
    if (before === undefined) {
      seen.set(exchange, { received, receivedAt: now, taken, takenAt: now });
      return false;
    }
    const contentDue = exchange.body.due;
    const roomDue = exchange.output.pending > 0;
    if (!contentDue || received !== before.received) before.receivedAt = now;
    if (!roomDue || taken !== before.taken) before.takenAt = now;
    before.received = received;
    before.taken = taken;
    if (contentDue && now - before.receivedAt >= stallTimeout) return true;
    if (!roomDue || now - before.takenAt < stallTimeout) return false;
    const othersMove = now - this.sentAt < stallTimeout;
    return !othersMove || now - before.takenAt >= PATIENCE_WHILE_OTHERS_MOVE * stallTimeout;
  }

  forget(exchange: Http2Exchange): void {
    this.seen.delete(exchange);
  }

  close(): void {
    this.deadlines.remove(this.deadline);
    this.seen.clear();
  }
}
