import type { Gate, Throttle } from '../throttle/index.ts';

/** Where the bytes go that may pass. */
export interface LimitedSink {
  /** Sends bytes on; they are not touched again afterwards. */
  passBody(buffer: Buffer, start: number, end: number): void;
  /** Sends what was passed on, and goes on with what had to wait for it. */
  onLimitedDrain(): void;
}

/**
 * The body of a response on its way through a speed limit. What may not pass yet is held, at most what one read
 * brought: the source is paused as long as anything is held.
 */
export class LimitedOutput {
  private readonly gate: Gate;
  private readonly sink: LimitedSink;
  private held: Buffer | null = null;

  constructor(throttle: Throttle, sink: LimitedSink) {
    this.sink = sink;
    this.gate = throttle.open(() => this.gateOnResume());
  }

  /** True while bytes are held. */
  get holding(): boolean {
    return this.held !== null;
  }

  /** Passes what may pass and holds a copy of the rest. */
  write(buffer: Buffer, start: number, end: number): void {
    const granted = this.held === null ? this.gate.take(end - start) : 0;
    if (granted > 0) this.sink.passBody(buffer, start, start + granted);
    if (granted === end - start) return;
    const rest = Buffer.from(buffer.subarray(start + granted, end));
    this.held = this.held === null ? rest : Buffer.concat([this.held, rest]);
  }

  /** Holds nothing any more and wakes nobody. */
  close(): void {
    this.held = null;
    this.gate.close();
  }

  private gateOnResume(): void {
    const { held } = this;
    if (held === null) return;
    const granted = this.gate.take(held.length);
    this.held = granted === held.length ? null : held.subarray(granted);
    if (granted > 0) this.sink.passBody(held, 0, granted);
    this.sink.onLimitedDrain();
  }
}
