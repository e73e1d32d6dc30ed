import type { Deadline, Deadlines } from '../../base/index.ts';
import type { Http2Exchange } from './http2-exchange.ts';
import { LOOKS_A_STALL, PATIENCE_WHILE_OTHERS_MOVE } from './http2-limits.ts';

/** What was seen of a stream at the last look, of each direction by itself. Times are those when it last moved. */
interface Sighting {
  received: number;
  receivedAt: number;
  taken: number;
  takenAt: number;
}

/**
 * stall_timeout for the streams of a session: looks at all of them a few times in its length, rather than setting a
 * deadline with every frame. What a stream has got of a write is seen when the whole of it has left; until then, the
 * progress of the connection speaks for it, for some time.
 */
export class Http2Stalls {
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly sent: () => number;
  private mostSent = 0;
  private sentAt = 0;
  private readonly seen = new Map<Http2Exchange, Sighting>();

  /**
   * @param sent bytes that the connection has sent, less those that answer what the client sends of itself
   * @param onLook called when it is time to call `look` for each stream, and `watch` again
   */
  constructor(deadlines: Deadlines, sent: () => number, onLook: () => void) {
    this.deadlines = deadlines;
    this.sent = sent;
    this.deadline = deadlines.create(onLook);
  }

  /** There are streams: looks at them after a while. */
  watch(stallTimeout: number): void {
    if (this.deadline.at === 0) this.deadlines.set(this.deadline, stallTimeout / LOOKS_A_STALL);
  }

  /** Begins a round of looks. */
  begin(now: number): void {
    const sent = this.sent();
    if (sent <= this.mostSent) return;
    this.mostSent = sent;
    this.sentAt = now;
  }

  /** @returns whether the client has moved no byte for so long in a direction where one is due */
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
