import type { Gate, Throttle } from '../throttle/index.ts';
import { type Connection, WriteState } from '../transport/index.ts';

/**
 * One direction of a relay: the bytes of one connection are sent to the other.
 *
 * Memory is limited to one read and the bytes that wait to be written: while the sink is full, or a speed limit holds
 * bytes, the source is paused. The end of the source reaches the sink after all its bytes.
 */
export class RelayFlow {
  private readonly source: Connection;
  private readonly sink: Connection;
  /** Milliseconds for which a sink may accept no byte. */
  private readonly stallTimeout: number;
  private readonly gate: Gate | null;
  /** Bytes that the speed limit holds. */
  private held: Buffer | null = null;
  private sinkFull = false;
  /** The source has sent its last byte. */
  ended = false;
  /** Number of bytes that the sink had sent until then. */
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

  /** Lets `stall_timeout` watch the bytes that wait for the sink. Bytes that the speed limit holds are not watched. */
  watch(): void {
    if (this.sink.hasPending) this.sink.expectDrain(this.stallTimeout);
  }

  /** Forwards bytes that the source has just read. */
  take(buffer: Buffer, start: number, end: number): void {
    if (this.gate !== null) return this.takeLimited(buffer, start, end);
    const state = this.pass(buffer, start, end);
    // A full sink has paused the source, so no read overwrites these bytes before they are sent.
    if (state === WriteState.pending) this.source.keepReadBuffer();
  }

  /** Forwards bytes that no read overwrites: those that were read before this flow began. */
  takeKept(bytes: Buffer): void {
    if (this.gate === null) this.pass(bytes, 0, bytes.length);
    else this.takeLimited(bytes, 0, bytes.length);
  }

  /** Number of bytes that the source has sent since the other source has ended. */
  bytesSince(other: RelayFlow): number {
    return this.source.bytesRead - other.sinkSent;
  }

  /** The source has sent its last byte. */
  end(): void {
    this.ended = true;
    this.sinkSent = this.sink.bytesRead;
    if (this.held === null) this.endSink();
  }

  /** The sink has accepted all pending bytes. */
  drained(): void {
    if (!this.sinkFull) return;
    this.sinkFull = false;
    this.goOn();
  }

  /** Ends the flow; it calls nothing afterwards. */
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
