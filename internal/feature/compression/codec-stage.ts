import type { Transform } from 'node:stream';

import { BodyStage, FlushResult, removeDigests } from '../../exchange/index.ts';
import type { Fields } from '../../message/index.ts';
import type { BodyCodec } from './body-codec.ts';

/** With so many bytes waiting for the codec, the source has to pause. These are two reads of an upstream, so the codec never runs dry. */
const HIGH_WATER = 65_536;

/**
 * Batches of fewer bytes are copied, so that the source can reuse their memory at once. Larger ones stay in place until the
 * codec has read them, and the source uses other memory.
 */
const COPIED_BYTES = 16_384;

/**
 * A body on its way through a codec of node:zlib.
 *
 *     idle ──end, all in one batch──> over: the whole body at once, in this thread
 *       └──flush──> streaming ──end──> ending ──the codec's end──> over
 *
 * Each batch is one write to the codec, which outputs all that the batch allows, so that a slow body reaches the client
 * without delay. Batches that come while the codec works are joined. The codec pauses while the client has no room, and the
 * source pauses while HIGH_WATER bytes wait for the codec.
 */
export class CodecStage extends BodyStage {
  private readonly codec: BodyCodec;
  private stream: Transform | null = null;
  /** Bytes since the last flush; borrowed. */
  private given: Buffer[] = [];
  private givenBytes = 0;
  /** Flushed bytes for the next write to the stream; owned by this stage. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** Bytes that the stream works on; -1 while it has nothing to do. */
  private atWork = -1;
  private bytesIn = 0;
  private bytesOut = 0;
  /** The next stage has no room. */
  private nextFull = false;
  /** The source has been told to pause. */
  private sourceWaits = false;
  private pendingEnd: { readonly trailers: Fields | null } | null = null;
  /** The stream has ended: further bytes are not part of the content. */
  private streamOver = false;

  constructor(codec: BodyCodec) {
    super();
    this.codec = codec;
  }

  write(buffer: Buffer, start: number, end: number): void {
    this.given.push(buffer.subarray(start, end));
    this.givenBytes += end - start;
  }

  override flush(): FlushResult {
    const kept = this.givenBytes >= COPIED_BYTES;
    if (this.givenBytes > 0) this.keep(kept ? this.given : [Buffer.concat(this.given)]);
    this.work();
    if (this.next.flush() === FlushResult.full) this.pause();
    if (!this.full) return kept ? FlushResult.pending : FlushResult.taken;
    this.sourceWaits = true;
    return FlushResult.full;
  }

  override end(trailers: Fields | null): FlushResult {
    if (trailers !== null) removeDigests(trailers);
    if (this.stream === null && this.givenBytes <= this.codec.wholeBytes) return this.endAtOnce(trailers);
    if (this.streamOver) return this.next.end(trailers);
    this.keep(this.given);
    this.pendingEnd = { trailers };
    this.work();
    this.next.flush();
    return FlushResult.pending;
  }

  override onDrain(): void {
    this.nextFull = false;
    this.stream?.resume();
    this.wakeSource();
  }

  override close(): void {
    super.close();
    this.given = [];
    this.waiting = [];
    // Frees the memory of the codec as soon as no thread of the pool uses it.
    this.stream?.destroy();
  }

  private get full(): boolean {
    return this.nextFull || this.waitingBytes + Math.max(0, this.atWork) >= HIGH_WATER;
  }

  private endAtOnce(trailers: Fields | null): FlushResult {
    const whole = this.codec.whole(this.given.length === 1 ? this.given[0] : Buffer.concat(this.given));
    this.given = [];
    if (whole.length > 0) this.next.write(whole, 0, whole.length);
    return this.next.end(trailers);
  }

  /** Takes over the borrowed bytes. */
  private keep(batch: readonly Buffer[]): void {
    if (!this.streamOver) {
      this.waiting.push(...batch);
      this.waitingBytes += this.givenBytes;
    }
    this.given = [];
    this.givenBytes = 0;
  }

  /** Writes all waiting bytes to the stream. */
  private work(): void {
    if (this.atWork >= 0 || this.streamOver || (this.waitingBytes === 0 && this.pendingEnd === null)) return;
    this.stream ??= this.open();
    const bytes = this.waiting.length === 1 ? this.waiting[0] : Buffer.concat(this.waiting);
    this.atWork = bytes.length;
    this.bytesIn += bytes.length;
    this.waiting = [];
    this.waitingBytes = 0;
    if (this.pendingEnd === null) this.stream.write(bytes, () => this.owner.guard(() => this.streamOnWritten()));
    else if (bytes.length > 0) this.stream.end(bytes);
    else this.stream.end();
  }

  private open(): Transform {
    const stream = this.codec.open();
    stream.on('data', (bytes: Buffer) => this.owner.guard(() => this.streamOnData(bytes)));
    stream.on('end', () => this.owner.guard(() => this.streamOnEnd()));
    stream.on('error', (error) => this.owner.guard(() => this.streamOnError(error)));
    if (this.nextFull) stream.pause();
    return stream;
  }

  private streamOnData(bytes: Buffer): void {
    if (this.closed) return;
    this.bytesOut += bytes.length;
    const refusal = this.codec.check(this.bytesIn, this.bytesOut);
    if (refusal !== null) return this.owner.fail(refusal);
    this.next.write(bytes, 0, bytes.length);
    if (this.next.flush() === FlushResult.full) this.pause();
  }

  private streamOnWritten(): void {
    if (this.closed) return;
    this.atWork = -1;
    this.work();
    this.wakeSource();
  }

  private streamOnEnd(): void {
    if (this.closed) return;
    this.streamOver = true;
    this.waiting = [];
    this.waitingBytes = 0;
    if (this.pendingEnd !== null) this.next.end(this.pendingEnd.trailers);
    else this.wakeSource();
  }

  private streamOnError(error: Error): void {
    if (this.closed) return;
    const failure = this.codec.failed(error, this.bytesOut);
    if (failure === null) this.streamOnEnd();
    else this.owner.fail(failure);
  }

  private pause(): void {
    this.nextFull = true;
    this.stream?.pause();
  }

  private wakeSource(): void {
    if (!this.sourceWaits || this.full || this.closed) return;
    this.sourceWaits = false;
    this.source.onDrain();
  }
}
