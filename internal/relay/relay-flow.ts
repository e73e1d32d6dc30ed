import type { Gate, Throttle } from '../throttle/index.ts';
import { type Connection, WriteState } from '../transport/index.ts';

/**
 * One direction of a relay: what one connection sends goes to the other.
 *
 * Memory is bounded by what one read brings and what waits to be written: as long as the sink is full, or bytes are
 * held for a speed limit, the source is paused. The end of the source comes to the sink behind everything it sent.
 */
export class RelayFlow {
  private readonly source: Connection;
  private readonly sink: Connection;
  /** Milliseconds that a sink may take no byte. */
  private readonly stallTimeout: number;
  private readonly gate: Gate | null;
  /** What the speed limit keeps back. */
  private held: Buffer | null = null;
  private sinkFull = false;
  /** The source has sent its last byte. */
  ended = false;
  /** Bytes that the sink had sent until then. */
  private sinkSent = 0;

  constructor(source: Connection, sink: Connection, limit: Throttle | null, stallTimeout: number) {
    this.source = source;
    this.sink = sink;
    this.stallTimeout = stallTimeout;
    this.gate = limit?.open(() => source.guard(() => this.gateOnResume())) ?? null;
  }

  /** True while bytes wait for the sink or for the speed limit. */
  get waits(): boolean {
    return this.held !== null || this.sink.hasPending;
  }

  /** Has `stall_timeout` watch over what waits for the sink; what the speed limit keeps back comes in its time. */
  watch(): void {
    if (this.sink.hasPending) this.sink.expectDrain(this.stallTimeout);
  }

  /** Passes bytes on that the source has just read. */
  take(buffer: Buffer, start: number, end: number): void {
    if (this.gate !== null) return this.takeLimited(buffer, start, end);
    const state = this.pass(buffer, start, end);
    // A full sink has paused the source: nothing is read over these bytes before they have left.
    if (state === WriteState.pending) this.source.keepReadBuffer();
  }

  /** Passes bytes on that nobody reads over: those that were read before this flow began. */
  takeKept(bytes: Buffer): void {
    if (this.gate === null) this.pass(bytes, 0, bytes.length);
    else this.takeLimited(bytes, 0, bytes.length);
  }

  /** Bytes that the source has sent since the source of the other direction has ended. */
  bytesSince(other: RelayFlow): number {
    return this.source.bytesRead - other.sinkSent;
  }

  /** The source has sent its last byte. */
  end(): void {
    this.ended = true;
    this.sinkSent = this.sink.bytesRead;
    if (this.held === null) this.endSink();
  }

  /** The sink has taken what was pending. */
  drained(): void {
    if (!this.sinkFull) return;
    this.sinkFull = false;
    this.goOn();
  }

  /** Wakes nobody any more. */
  close(): void {
    this.held = null;
    this.gate?.close();
  }

  private takeLimited(buffer: Buffer, start: number, end: number): void {
    const granted = this.held === null ? (this.gate as Gate).take(end - start) : 0;
    if (granted < end - start) {
      const rest = Buffer.from(buffer.subarray(start + granted, end));
      this.held = this.held === null ? rest : Buffer.concat([this.held, rest]);
      this.source.pause();
    }
    if (granted > 0 && this.pass(buffer, start, start + granted) === WriteState.pending) this.source.keepReadBuffer();
  }

  private pass(buffer: Buffer, start: number, end: number): WriteState {
    const { sink } = this;
    sink.bytes(buffer, start, end);
    const state = sink.flush();
    if (state === WriteState.full) {
      this.sinkFull = true;
      this.source.pause();
      sink.expectDrain(this.stallTimeout);
    }
    return state;
  }

  private gateOnResume(): void {
    const { held } = this;
    if (held === null) return;
    const granted = (this.gate as Gate).take(held.length);
    this.held = granted === held.length ? null : held.subarray(granted);
    if (granted > 0) this.pass(held, 0, granted);
    this.goOn();
  }

  private goOn(): void {
    if (this.held !== null) return;
    if (this.ended) this.endSink();
    else if (!this.sinkFull) this.source.resume();
  }

  private endSink(): void {
    this.sink.end();
    this.sink.expectDrain(this.stallTimeout);
  }
}
