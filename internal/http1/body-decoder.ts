import type { ErrorCode } from '../base/index.ts';
import { CHUNKED, type Fields, type Framing, UNTIL_CLOSE } from '../message/index.ts';
import type { BodySink } from './chunked-decoder.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';

/** Finds the end of a body of any framing. One decoder serves one connection, one body after another. */
export class BodyDecoder {
  /** True when the whole body was read. A body that ends with its connection is done when `close` is called. */
  done = true;
  private framing: Framing = 0;
  private remaining = 0;
  private chunked: ChunkedDecoder | null = null;
  private readonly code: ErrorCode;
  private readonly trailerCode: ErrorCode;

  /** @param code the error code for a malformed chunk @param trailerCode the error code for the trailer section */
  constructor(code: ErrorCode, trailerCode: ErrorCode) {
    this.code = code;
    this.trailerCode = trailerCode;
  }

  /** Starts a body. */
  start(framing: Framing): void {
    this.framing = framing;
    this.remaining = framing > 0 ? framing : 0;
    this.done = framing === 0;
    if (framing === CHUNKED) {
      if (this.chunked === null) this.chunked = new ChunkedDecoder(this.code, this.trailerCode);
      else this.chunked.reset();
    }
  }

  /** The trailer section of a complete chunked body; null if there was none. */
  get trailers(): Fields | null {
    return this.framing === CHUNKED && this.chunked !== null ? this.chunked.trailers : null;
  }

  /** Bytes of a Content-Length body that are still to come; 0 for other framings. */
  get missing(): number {
    return this.remaining;
  }

  /**
   * Takes bytes from `start` to `end` and gives the content in them to the sink.
   * @returns the position behind the body when it is done, else `end`.
   * @throws ProxyError when a chunk is malformed.
   */
  feed(buffer: Buffer, start: number, end: number, sink: BodySink): number {
    if (this.framing === CHUNKED) {
      const chunked = this.chunked as ChunkedDecoder;
      const next = chunked.feed(buffer, start, end, sink);
      this.done = chunked.done;
      return next;
    }
    if (this.framing === UNTIL_CLOSE) {
      if (end > start) sink.onBody(buffer, start, end);
      return end;
    }
    const take = Math.min(this.remaining, end - start);
    this.remaining -= take;
    this.done = this.remaining === 0;
    if (take > 0) sink.onBody(buffer, start, start + take);
    return start + take;
  }

  /**
   * The connection has ended.
   * @returns whether the body is complete: it is if its framing is UNTIL_CLOSE, or if it was done before.
   */
  close(): boolean {
    if (this.framing === UNTIL_CLOSE) this.done = true;
    return this.done;
  }
}
