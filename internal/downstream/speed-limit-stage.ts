import { BodyStage, FlushResult } from '../exchange/index.ts';
import type { Fields } from '../message/index.ts';
import type { Gate, Throttle } from '../throttle/index.ts';

/**
 * The body of a response on its way through a speed limit. Bytes that have to wait are held, at most those of one read,
 * because the source is paused while any are held.
 */
export class SpeedLimitStage extends BodyStage {
  private readonly gate: Gate;
  private held: Buffer | null = null;
  /** The end of the body, while it waits for held bytes. */
  private pendingEnd: { readonly trailers: Fields | null } | null = null;

  constructor(throttle: Throttle) {
    super();
    this.gate = throttle.open(() => this.owner.guard(() => this.gateOnResume()));
  }

  /** Passes the bytes that the limit allows and holds a copy of the rest. */
  write(buffer: Buffer, start: number, end: number): void {
    const granted = this.held === null ? this.gate.take(end - start) : 0;
    if (granted > 0) this.next.write(buffer, start, start + granted);
    if (granted === end - start) return;
    const rest = Buffer.from(buffer.subarray(start + granted, end));
    this.held = this.held === null ? rest : Buffer.concat([this.held, rest]);
  }

  override flush(): FlushResult {
    const result = this.next.flush();
    return this.held === null ? result : FlushResult.full;
  }

  override end(trailers: Fields | null): FlushResult {
    if (this.held === null) return this.next.end(trailers);
    this.pendingEnd = { trailers };
    this.next.flush();
    return FlushResult.pending;
  }

  override onDrain(): void {
    if (this.held === null && this.pendingEnd === null) this.source.onDrain();
  }

  override close(): void {
    super.close();
    this.held = null;
    this.gate.close();
  }

  private gateOnResume(): void {
    const { held } = this;
    if (held === null || this.closed) return;
    const granted = this.gate.take(held.length);
    this.held = granted === held.length ? null : held.subarray(granted);
    if (granted > 0) this.next.write(held, 0, granted);
    if (this.held !== null) this.next.flush();
    else if (this.pendingEnd !== null) this.next.end(this.pendingEnd.trailers);
    else if (this.next.flush() !== FlushResult.full) this.source.onDrain();
  }
}
