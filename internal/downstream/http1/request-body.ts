import { ProxyError } from '../../base/index.ts';
import { BodyDecoder, type BodySink } from '../../http1/index.ts';
import { type Fields, type Framing, NO_BODY, UNTIL_CLOSE } from '../../message/index.ts';
import { MAX_DISCARD_BYTES } from '../client-bounds.ts';
import type { Http1Exchange } from './http1-exchange.ts';

/**
 * So much is read over where closing was not said: an answer may come long before the end of an upload, and a client that
 * keeps the connection for its next request should get it. Behind more, the connection is closed all the same: what is
 * read over is bound by no limit of speed or rate.
 */
const MAX_UNANNOUNCED_BYTES = 1_048_576;

/** The body of the request under way: finds its end, bounds its size, and gives it to whoever handles the exchange. */
export class RequestBody implements BodySink {
  /** Nobody has asked for the body yet, or nobody can take more of it for now. */
  paused = false;
  private readonly decoder = new BodyDecoder('bad_chunk', 'bad_trailer');
  /** Null when the body is read over. */
  private exchange: Http1Exchange | null = null;
  private framing: Framing = NO_BODY;
  /** Bytes of content so far. */
  private bytes = 0;
  /** 0 = no limit. */
  private maxBytes = 0;
  private discarded = 0;

  /**
   * Starts a body, paused until it is asked for.
   * @throws ProxyError body_too_large when its length says so already
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
   * The response is complete before the body: what is left of it is read over. The response has not said
   * `Connection: close`, so that the client may send its next request already.
   */
  discard(): void {
    this.exchange = null;
    this.paused = false;
    this.discarded = 0;
  }

  /** Whether more was read over than the connection is worth. */
  get tooLong(): boolean {
    return this.discarded > MAX_UNANNOUNCED_BYTES;
  }

  /** Whether the connection cannot go on behind a response with that status that begins now, before the body has ended. */
  mustCloseAfter(status: number, expectsContinue: boolean): boolean {
    // RFC 9110 §10.1.1: a client that has not got its 100 sends the body or leaves it out. What comes then could be
    // taken for a body and be a request, or the other way round.
    if (expectsContinue && this.bytes === 0) return true;
    const long = this.framing < 0 || this.decoder.missing > MAX_DISCARD_BYTES;
    // Said to a client that is still sending, `close` makes it stop (RFC 9112 §9.5): right behind a refusal, and wrong
    // for an upstream that answers while it reads.
    return long && (this.paused || status >= 300);
  }

  private tooLarge(): ProxyError {
    return new ProxyError('body_too_large', `the body is larger than ${this.maxBytes} bytes`);
  }
}
