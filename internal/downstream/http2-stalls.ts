import type { Deadline, Deadlines } from '../base/index.ts';
import type { Http2Exchange } from './http2-exchange.ts';
import { LOOKS_A_STALL, PATIENCE_WHILE_OTHERS_MOVE } from './http2-limits.ts';

/** What was seen of a stream at the last look. */
interface Sighting {
  /** A number that grows with every byte that moves. */
  progress: number;
  /** When it last did. */
  at: number;
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
  private sentBefore = 0;
  private sentAt = 0;
  private readonly seen = new Map<Http2Exchange, Sighting>();

  /**
   * @param sent bytes that the connection has sent
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
    if (sent !== this.sentBefore) this.sentAt = now;
    this.sentBefore = sent;
  }

  /** @returns whether the client has moved no byte for so long where one is due */
  look(exchange: Http2Exchange, stallTimeout: number, now: number): boolean {
    const { seen } = this;
    if (stallTimeout === 0 || !exchange.waitsForClient) {
      seen.delete(exchange);
      return false;
    }
    const { progress } = exchange;
    const before = seen.get(exchange);
    if (before === undefined || before.progress !== progress) {
      seen.set(exchange, { progress, at: now });
      return false;
    }
    if (now - before.at < stallTimeout) return false;
    const othersMove = exchange.output.pending > 0 && now - this.sentAt < stallTimeout;
    return !othersMove || now - before.at >= PATIENCE_WHILE_OTHERS_MOVE * stallTimeout;
  }

  forget(exchange: Http2Exchange): void {
    this.seen.delete(exchange);
  }

  close(): void {
    this.deadlines.remove(this.deadline);
    this.seen.clear();
  }
}
