import { ProxyError } from '../../base/index.ts';
import type { ExchangeHandler } from '../../exchange/index.ts';
import { TRAILER_LIMITS } from '../../http1/index.ts';
import { Fields, readFieldPairs } from '../../message/index.ts';
import type { Gate, Throttle } from '../../throttle/index.ts';
import { MAX_DISCARD_BYTES } from '../client-bounds.ts';
import { ErrorCode } from './http2-limits.ts';
import type { ServerStream } from './http2-port.ts';

/** The exchange that reads the body. */
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
  /** Runs an event of the stream. An error that it throws ends this exchange alone. */
  guard(action: () => void): void;
}

/**
 * The content of a stream. It is not read before the handler asks for it. A pause keeps the window of the stream closed
 * (RFC 9113 §5.2), so that the client stops.
 *
 *     unread ──resume──> reading <──pause, resume──> paused
 *        └──────────────────┴──discard──> discarding ──> end of the stream, or too much of it
 */
export class Http2RequestBody {
  /** The whole body has come. */
  complete: boolean;
  /** The handler asks for the body. */
  private awaited = false;
  /** Bytes of content so far. */
  bytes = 0;
  private readonly stream: ServerStream;
  private readonly reader: BodyReader;
  /** 0 = no limit. */
  private readonly maxBytes: number;
  private started = false;
  /** The end has come and was not reported yet. */
  private untold = false;
  private discarding = false;
  private trailers: Fields | null = null;
  /** Null without a speed limit. */
  private gate: Gate | null = null;
  /** Bytes that wait for the speed limit. */
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

  /** Bytes that were received and not read yet. */
  get unread(): number {
    return this.stream.unread;
  }

  /** More of the body may come, but it is not read now. */
  get stopped(): boolean {
    return !this.complete && !this.discarding && (!this.awaited || this.held !== null);
  }

  resume(): void {
    if (this.awaited || this.discarding) return;
    if (this.complete) return this.tellEnd();
    this.awaited = true;
    if (!this.started) this.start();
    // While bytes are held, the gate continues when they may pass.
    if (this.held === null) this.read();
  }

  pause(): void {
    if (!this.awaited) return;
    this.awaited = false;
    this.stream.pause();
    this.reader.bodyStopped();
  }

  /**
   * The content is not needed any more. Discards the rest, so that the stream can end normally.
   * @returns false if the rest is too long to discard
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
    // A stream that was reset ends, too: then the body is not complete.
    if (this.stream.gone) return;
    this.complete = true;
    this.untold = true;
    this.awaited = false;
    if (this.started) this.tellEnd();
  }

  /** Reports the end after all bytes. A paused stream may end, too, if it has no bytes left to read. */
  private tellEnd(): void {
    if (!this.untold || this.discarding || this.held !== null) return;
    this.untold = false;
    this.reader.bodyEnded(this.trailers);
  }
}
