import { ProxyError } from '../../base/index.ts';
import { BodyDecoder, type BodySink } from '../../http1/index.ts';
import { type Fields, type Framing, NO_BODY, UNTIL_CLOSE } from '../../message/index.ts';
import { MAX_DISCARD_BYTES } from '../client-bounds.ts';
import type { Http1Exchange } from './http1-exchange.ts';

/**
 * Bytes of a body to discard if the response had no `Connection: close`. An answer may come long before the end of an upload,
 * and the client may keep the connection for its next request. After more bytes prox closes the connection, because no limit
 * of speed or rate applies to discarded bytes.
 */
const MAX_UNANNOUNCED_BYTES = 1_048_576;

/** The body of the current request: finds its end, bounds its size, and gives it to the handler of the exchange. */
export class RequestBody implements BodySink {
  /** The handler has not asked for the body yet, or can take no more of it for now. */
  paused = false;
  private readonly decoder = new BodyDecoder('bad_chunk', 'bad_trailer');
  /** Null while the body is discarded. */
  private exchange: Http1Exchange | null = null;
  private framing: Framing = NO_BODY;
  /** Bytes of content so far. */
  private bytes = 0;
  /** 0 = no limit. */
  private maxBytes = 0;
  private discarded = 0;

  /**
   * Starts a body, paused until the handler asks for it.
   * @throws ProxyError body_too_large if its Content-Length exceeds the limit
   */
  start(exchange: Http1Exchange, framing: Framing, maxBytes: number): void {
    this.decoder.start(framing);
    this.exchange = exchange;
    this.framing = framing;
    this.bytes = 0;
    this.maxBytes = maxBytes;
    this.paused = true;
    if (maxBytes > 0 && framing > maxBytes) throw this.tooLarge();
  }

  /** From now on everything up to the end of the connection is the body. */
  startTunnel(exchange: Http1Exchange): void {
    this.start(exchange, UNTIL_CLOSE, 0);
    this.paused = false;
  }

  /** Whether the whole body was read. */
  get done(): boolean {
    return this.decoder.done;
  }

  get trailers(): Fields | null {
    return this.decoder.trailers;
  }

  /** @returns the position behind the body when it is done, else `end`. @throws ProxyError */
  feed(buffer: Buffer, at: number, end: number): number {
    return this.decoder.feed(buffer, at, end, this);
  }

  /** @internal BodySink */
  onBody(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    if (this.maxBytes > 0 && this.bytes > this.maxBytes) throw this.tooLarge();
    if (this.exchange === null) this.discarded += end - start;
    else this.exchange.handler?.onRequestBody(buffer, start, end);
  }

  /** The client sends no more. @returns whether the body is complete */
  close(): boolean {
    return this.decoder.close();
  }

  /**
   * The response is complete before the body: discards the rest. The response had no `Connection: close`, so the client may
   * already send its next request.
   */
  discard(): void {
    this.exchange = null;
    this.paused = false;
    this.discarded = 0;
  }

  /** Whether too many bytes were discarded to keep the connection. */
  get tooLong(): boolean {
    return this.discarded > MAX_UNANNOUNCED_BYTES;
  }

  /** Whether the connection has to close after a response with that status that begins before the end of the body. */
  mustCloseAfter(status: number, expectsContinue: boolean): boolean {
    // RFC 9110 §10.1.1: a client that has not got its 100 may send the body or not, so prox cannot know whether the next
    // bytes are a body or a request.
    if (expectsContinue && this.bytes === 0) return true;
    const long = this.framing < 0 || this.decoder.missing > MAX_DISCARD_BYTES;
    // `close` makes a client stop that is still sending (RFC 9112 §9.5). That is right after a refusal, but wrong if an
    // upstream answers while it reads.
    return long && (this.paused || status >= 300);
  }

  private tooLarge(): ProxyError {
    return new ProxyError('body_too_large', `the body is larger than ${this.maxBytes} bytes`);
  }
}
