import { ProxyError } from '../../base/index.ts';
import type { ExchangeHandler } from '../../exchange/index.ts';
import { TRAILER_LIMITS } from '../../http1/index.ts';
import { Fields, readFieldPairs } from '../../message/index.ts';
import type { Gate, Throttle } from '../../throttle/index.ts';
import { MAX_DISCARD_BYTES } from '../client-bounds.ts';
import { ErrorCode } from './http2-limits.ts';
import type { ServerStream } from './http2-port.ts';

/** Whose body it is. */
export interface BodyReader {
  readonly handler: ExchangeHandler | null;
  /** Bytes of content came. */
  bodyReceived(bytes: number): void;
  /** The body is read from now on. */
  bodyAwaited(): void;
  /** The body is not read any more. */
  bodyStopped(): void;
  /** The body is complete. */
  bodyEnded(trailers: Fields | null): void;
  /** The body cannot be taken. */
  refuse(error: ProxyError): void;
  /** Runs what happens to the stream: what it throws costs this exchange alone. */
  guard(action: () => void): void;
}

/**
 * The content that a stream brings. Nothing of it is read before somebody wants it; then pausing keeps the window of
 * the stream shut (RFC 9113 §5.2), so that the client stops.
 *
 *     unread ──resume──> reading <──pause, resume──> paused
 *        └──────────────────┴──discard──> discarding ──> end of the stream, or too much of it
 */
export class Http2RequestBody {
  /** Everything has come. */
  complete: boolean;
  /** Somebody wants what comes. */
  private awaited = false;
  /** Bytes of content so far. */
  bytes = 0;
  private readonly stream: ServerStream;
  private readonly reader: BodyReader;
  /** 0 = no limit. */
  private readonly maxBytes: number;
  private started = false;
  /** The end has come, and nobody was told yet. */
  private untold = false;
  private discarding = false;
  private trailers: Fields | null = null;
  /** Null without a speed limit. */
  private gate: Gate | null = null;
  /** What may not pass the speed limit yet. */
  private held: Buffer | null = null;

  constructor(stream: ServerStream, reader: BodyReader, ended: boolean, maxBytes: number) {
    this.stream = stream;
    this.reader = reader;
    this.complete = ended;
    this.maxBytes = maxBytes;
  }

  /** Puts a speed limit in force. */
  limit(throttle: Throttle): void {
    this.gate = throttle.open(() => this.reader.guard(() => this.gateOnResume()));
  }

  /** Whether bytes of the client are due. */
  get due(): boolean {
    return !this.complete && this.held === null && (this.awaited || this.discarding);
  }

  /** Bytes that have come and wait. */
  get unread(): number {
    return this.stream.unread;
  }

  /** More may come that is not read now. */
  get stopped(): boolean {
    return !this.complete && !this.discarding && (!this.awaited || this.held !== null);
  }

  resume(): void {
    if (this.awaited || this.discarding) return;
    if (this.complete) return this.tellEnd();
    this.awaited = true;
    if (!this.started) this.start();
    // While bytes are held, the gate goes on when they may pass.
    if (this.held === null) this.read();
  }

  pause(): void {
    if (!this.awaited) return;
    this.awaited = false;
    this.stream.pause();
    this.reader.bodyStopped();
  }

  /**
   * Nobody wants the content any more. What is left of it is read over, so that the stream can end as it should.
   * @returns false when it is more than is worth reading
   */
  discard(missing: number): boolean {
    this.discarding = true;
    this.close();
    if (this.complete) return true;
    this.bytes = 0;
    if (!this.started) this.start();
    this.stream.resume();
    return missing <= MAX_DISCARD_BYTES;
  }

  /** Waits for nothing any more. */
  close(): void {
    this.awaited = false;
    this.gate?.close();
    this.held = null;
  }

  private start(): void {
    this.started = true;
    this.stream.startReading();
  }

  /** Content came. */
  streamOnData(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.discarding) {
      if (this.bytes > MAX_DISCARD_BYTES) this.stream.close(ErrorCode.noError);
      return;
    }
    this.reader.bodyReceived(chunk.length);
    if (this.maxBytes > 0 && this.bytes > this.maxBytes) {
      return this.reader.refuse(new ProxyError('body_too_large', `the body is larger than ${this.maxBytes} bytes`));
    }
    this.pass(chunk);
  }

  private pass(chunk: Buffer): void {
    const granted = this.gate === null ? chunk.length : this.gate.take(chunk.length);
    if (granted < chunk.length) {
      this.held = chunk.subarray(granted);
      this.stream.pause();
      this.reader.bodyStopped();
    }
    if (granted === 0) return;
    this.reader.handler?.onRequestBody(chunk, 0, granted);
    this.reader.handler?.onRequestFlush();
  }

  private gateOnResume(): void {
    const { held } = this;
    if (held === null) return;
    this.held = null;
    this.pass(held);
    if (this.held !== null) return;
    if (this.complete) this.tellEnd();
    else if (this.awaited) this.read();
  }

  private read(): void {
    this.stream.resume();
    this.reader.bodyAwaited();
  }

  /** A trailer section came. @throws ProxyError bad_trailer */
  streamOnTrailers(pairs: readonly string[]): void {
    if (this.discarding) return;
    const trailers = new Fields();
    readFieldPairs(trailers, pairs, 'bad_trailer');
    const { maxHeaders, maxHeaderBytes } = TRAILER_LIMITS;
    if (trailers.count > maxHeaders || trailers.linesEnd > maxHeaderBytes) {
      throw new ProxyError('bad_trailer', `more than ${maxHeaders} trailer fields, or ${maxHeaderBytes} bytes of them`);
    }
    this.trailers = trailers;
  }

  /** The content is over. */
  streamOnEnd(): void {
    // A stream that was reset ends, too: then what has come is not all there was.
    if (this.stream.gone) return;
    this.complete = true;
    this.untold = true;
    this.awaited = false;
    if (this.started) this.tellEnd();
  }

  /** The end comes behind every byte; a stream ends while it is paused, when nothing of it is left to read. */
  private tellEnd(): void {
    if (!this.untold || this.discarding || this.held !== null) return;
    this.untold = false;
    this.reader.bodyEnded(this.trailers);
  }
}
