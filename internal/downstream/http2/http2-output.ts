import { ProxyError } from '../../base/index.ts';
import { FlushResult } from '../../exchange/index.ts';
import { CHUNKED, type Framing, NO_BODY } from '../../message/index.ts';
import { ErrorCode } from './http2-limits.ts';
import type { Http2Fields, ServerStream } from './http2-port.ts';
import type { Http2Head } from './http2-response-head.ts';

/** Up to so many bytes are copied, for which Buffer has a pool. The original memory can then be reused at once. */
const COPIED_BYTES = 4095;

/**
 * The most bytes of a larger buffer that prox gives to a stream at once. The stream counts them against the memory of the
 * session, and reports progress only when all of them have left; stalls are detected by this progress.
 */
const PIECE_BYTES = 65_536;

/** The writer of a stream. */
export interface OutputOwner {
  /** The client has taken the pending bytes. */
  outputDrained(): void;
}

/**
 * The response side of a stream. The head waits for the first piece of the body, and each piece for the next one. So the last
 * frame of a response that is complete at once is also the frame that ends the stream.
 */
export class Http2Output {
  /** Bytes given so far; heads count as their text in HTTP/1.1. */
  bytes = 0;
  private readonly stream: ServerStream;
  private readonly owner: OutputOwner;
  private head: Http2Fields | null = null;
  private chunk: Buffer | null = null;
  /** Borrowed memory is in use since the last flush. */
  private lent = false;
  private framing: Framing = NO_BODY;
  /** True: no body is sent, for any framing. */
  private bodiless = false;
  private mayTrail = false;
  private trailers: Http2Fields | null = null;
  private drainAwaited = false;
  /** Pieces for the time when node:http2 has room again, in order. */
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** The end of the response was given and comes after the waiting pieces. */
  private ending = false;
  /** Nothing more is sent. The stream may still exist if node:http2 has lost the session. */
  private cut = false;

  constructor(stream: ServerStream, owner: OutputOwner) {
    this.stream = stream;
    this.owner = owner;
  }

  /** The stream takes nothing any more. */
  get gone(): boolean {
    return this.stream.gone;
  }

  /** Bytes that still wait to be sent. */
  get pending(): number {
    return this.cut ? 0 : this.stream.unsent + this.waitingBytes;
  }

  /** Whether the stream ends by a trailer section, which node:http2 sends some time after the body. */
  get trailing(): boolean {
    return this.trailers !== null;
  }

  /** Sends an interim head. */
  inform(head: Http2Head): void {
    if (this.gone) return;
    this.bytes += head.bytes;
    this.stream.sendInterim(head.fields);
  }

  /**
   * Gives the head.
   * @param bodiless HEAD, 204, 304: nothing follows the head
   * @param mayTrail trailers may follow the body
   */
  begin(head: Http2Head, framing: Framing, bodiless: boolean, mayTrail: boolean): void {
    this.head = head.fields;
    this.bytes += head.bytes;
    this.framing = framing;
    this.bodiless = bodiless;
    this.mayTrail = mayTrail;
  }

  /** Gives bytes of the body. @throws ProxyError if the body gets longer than its framing */
  write(buffer: Buffer, start: number, end: number): void {
    const length = end - start;
    if (this.bodiless || length === 0) return;
    if (this.framing >= 0) {
      if (length > this.framing) throw new ProxyError('internal', 'a body longer than its Content-Length');
      this.framing -= length;
    }
    if (this.gone) return;
    this.bytes += length;
    this.sendChunk();
    this.lent ||= length > COPIED_BYTES;
    const chunk = buffer.subarray(start, end);
    this.chunk = length > COPIED_BYTES ? chunk : Buffer.from(chunk);
  }

  /** Bytes that the framing still asks for. */
  get missing(): number {
    return this.bodiless ? 0 : Math.max(0, this.framing);
  }

  /** Sends the given bytes. */
  flush(): FlushResult {
    const { stream, lent } = this;
    this.lent = false;
    if (this.gone) {
      this.chunk = null;
    } else {
      this.sendHead(false);
      this.sendChunk();
    }
    if (this.gone || (this.waitingBytes === 0 && !stream.full)) return lent ? FlushResult.pending : FlushResult.taken;
    this.drainAwaited = true;
    return FlushResult.full;
  }

  /** The response is complete. Flushes. */
  end(trailers: Http2Head | null): FlushResult {
    const { stream, chunk, lent } = this;
    this.lent = false;
    this.chunk = null;
    if (this.gone) return lent ? FlushResult.pending : FlushResult.taken;
    if (this.head !== null) {
      this.mayTrail = trailers !== null;
      this.sendHead(chunk === null && trailers === null);
    }
    if (trailers !== null && this.mayTrail) {
      this.trailers = trailers.fields;
      this.bytes += trailers.bytes;
    }
    if (this.waitingBytes > 0 || (chunk !== null && chunk.length > PIECE_BYTES)) {
      this.ending = true;
      if (chunk !== null) this.give(chunk);
    } else if (!stream.ended) {
      stream.end(chunk);
    }
    return lent ? FlushResult.pending : FlushResult.taken;
  }

  /**
   * Ends the stream so that the client cannot take the response as complete. After a head `close` cannot be used, as it would
   * end the body first.
   */
  reset(error: ProxyError): void {
    this.cut = true;
    this.chunk = this.head = null;
    this.waiting.length = this.waitingBytes = 0;
    const { stream } = this;
    if (stream.headSent && !stream.ended) stream.abort(error);
    else stream.close(error.source === 'client' ? ErrorCode.cancel : ErrorCode.internalError);
  }

  private sendHead(last: boolean): void {
    const { head, stream } = this;
    if (head === null) return;
    this.head = null;
    if (this.mayTrail && !last && !this.bodiless) stream.sendHeadBeforeTrailers(head);
    else stream.sendHead(head, last || this.bodiless);
  }

  private sendChunk(): void {
    const { chunk } = this;
    if (chunk === null) return;
    this.chunk = null;
    this.sendHead(false);
    this.give(chunk);
  }

  /** Gives node:http2 as many bytes as it has room for; the rest waits. */
  private give(chunk: Buffer): void {
    if (this.waitingBytes > 0) {
      this.waiting.push(chunk);
      this.waitingBytes += chunk.length;
      return;
    }
    let at = 0;
    while (chunk.length - at > PIECE_BYTES && !this.stream.full) {
      this.stream.write(chunk.subarray(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
    }
    if (!this.stream.full) {
      this.stream.write(at === 0 ? chunk : chunk.subarray(at));
      return;
    }
    this.waiting.push(chunk.subarray(at));
    this.waitingBytes = chunk.length - at;
    this.drainAwaited = true;
  }

  /** The stream has room again. */
  streamOnDrain(): void {
    if (!this.drainAwaited) return;
    const waiting = this.waiting.splice(0);
    this.waitingBytes = 0;
    if (this.gone) return;
    for (const chunk of waiting) this.give(chunk);
    if (this.waitingBytes > 0) return;
    if (this.ending && !this.stream.ended) this.stream.end(null);
    else if (!this.stream.full) this.owner.outputDrained();
  }

  /** The section that ends the stream. */
  get trailerSection(): Http2Fields {
    return this.trailers ?? {};
  }
}

/** Whether a response of that framing may end with trailers: always if its length is not known. */
export function mayTrail(framing: Framing, wanted: boolean): boolean {
  return framing === CHUNKED || wanted;
}
