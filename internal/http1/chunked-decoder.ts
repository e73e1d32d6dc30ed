import { type ErrorCode, ProxyError } from '../base/index.ts';
import { CR, type Fields, HEX_DIGIT, HTAB, LF, SP } from '../message/index.ts';
import { Extension, mayEnd, stepExtension } from './chunk-extension.ts';
import { MORE } from './head-reader.ts';
import { MAX_CHUNK_EXTENSION_BYTES, MAX_CHUNK_HEAD_BYTES, MAX_CHUNK_SIZE_DIGITS } from './limits.ts';
import { TrailerReader } from './trailer-section.ts';

/** Takes the bytes of a body as they arrive. The bytes are borrowed: they may change after the call has returned. */
export interface BodySink {
  onBody(buffer: Buffer, start: number, end: number): void;
}

const SEMICOLON = 0x3b;

/**
 *               hex digits            CR         LF, size > 0
 *      ┌── size ──────────> extension ──> sizeLf ──────────────> data ──> dataCr ──> dataLf ──┐
 *      │                                    │ size = 0                                        │
 *      │                                    └──> last ──CR──> lastLf ──LF──> done             │
 *      │                                          └─────────> trailer ─────> done             │
 *      └───────────────────────────────────────────────────────────────────────────────────── ┘
 *
 * Nearly every body ends without a trailer section. With `last` and `lastLf` it needs no reader for one.
 */
const State = {
  size: 0,
  extension: 1,
  sizeLf: 2,
  data: 3,
  dataCr: 4,
  dataLf: 5,
  last: 6,
  lastLf: 7,
  trailer: 8,
  done: 9,
} as const;
type State = (typeof State)[keyof typeof State];

/** Decodes a chunked body (RFC 9112 §7.1) from slices that may be cut at any byte. */
export class ChunkedDecoder {
  /** The trailer section, once the body has ended and if it had one. */
  trailers: Fields | null = null;
  private state: State = State.size;
  private size = 0;
  private digits = 0;
  private extension: Extension = Extension.blank;
  /** Bytes of extensions of this chunk, and of all chunks of the body. */
  private extensionBytes = 0;
  private totalExtensionBytes = 0;
  private trailerReader: TrailerReader | null = null;
  private readonly code: ErrorCode;
  private readonly trailerCode: ErrorCode;

  /** @param code the error code for a malformed chunk @param trailerCode the error code for the trailer section */
  constructor(code: ErrorCode, trailerCode: ErrorCode) {
    this.code = code;
    this.trailerCode = trailerCode;
  }

  /** True when the last chunk and the trailer section were read. */
  get done(): boolean {
    return this.state === State.done;
  }

  /** Makes the decoder ready for another body. */
  reset(): void {
    this.state = State.size;
    this.size = this.digits = this.extensionBytes = this.totalExtensionBytes = 0;
    this.trailers = null;
    this.trailerReader = null;
  }

  /**
   * Takes bytes from `start` to `end` and gives the data in them to the sink.
   * @returns the position behind the body when it is done, else `end`.
   * @throws ProxyError
   */
  feed(buffer: Buffer, start: number, end: number, sink: BodySink): number {
    let at = start;
    while (at < end && this.state !== State.done) {
      if (this.state === State.data) {
        const take = Math.min(this.size, end - at);
        this.size -= take;
        if (this.size === 0) this.state = State.dataCr;
        sink.onBody(buffer, at, at + take);
        at += take;
      } else if (this.state === State.trailer || (this.state === State.last && buffer[at] !== CR)) {
        at = this.feedTrailer(buffer, at, end);
      } else {
        this.step(buffer[at++]);
      }
    }
    return at;
  }

  /** Takes one byte between the data of two chunks. */
  private step(byte: number): void {
    switch (this.state) {
      case State.size:
        return this.stepSize(byte);
      case State.extension:
        return this.stepExtension(byte);
      case State.sizeLf:
        if (byte !== LF) throw this.bad('a CR without its LF behind a chunk size');
        this.digits = this.extensionBytes = 0;
        this.state = this.size > 0 ? State.data : State.last;
        return;
      case State.dataCr:
        if (byte !== CR) throw this.bad('chunk data longer than the chunk size');
        this.state = State.dataLf;
        return;
      case State.dataLf:
        if (byte !== LF) throw this.bad('a CR without its LF behind chunk data');
        this.state = State.size;
        return;
      case State.last:
        this.state = State.lastLf;
        return;
      case State.lastLf:
        if (byte !== LF) throw new ProxyError(this.trailerCode, 'a CR without its LF behind the last chunk');
        this.state = State.done;
        return;
      default:
        throw new Error(`no step out of state ${this.state}`);
    }
  }

  private stepSize(byte: number): void {
    const digit = HEX_DIGIT[byte];
    if (digit !== 0) {
      if (++this.digits > MAX_CHUNK_SIZE_DIGITS) throw this.bad('a chunk size of too many digits');
      this.size = this.size * 16 + digit - 1;
      return;
    }
    if (this.digits === 0) throw this.bad('a chunk size that is not hexadecimal');
    if (byte === CR) {
      this.state = State.sizeLf;
    } else if (byte === SEMICOLON || byte === SP || byte === HTAB) {
      this.state = State.extension;
      this.extension = Extension.blank;
      this.stepExtension(byte);
    } else {
      throw this.bad('a chunk size that is not hexadecimal');
    }
  }

  private stepExtension(byte: number): void {
    if (byte === CR) {
      if (!mayEnd(this.extension)) throw this.bad('a chunk extension that is not complete');
      this.state = State.sizeLf;
      return;
    }
    const next = stepExtension(this.extension, byte);
    if (next === -1) throw this.bad('a byte in a chunk extension that may not stand there');
    this.extension = next;
    this.totalExtensionBytes++;
    if (++this.extensionBytes > MAX_CHUNK_HEAD_BYTES || this.totalExtensionBytes > MAX_CHUNK_EXTENSION_BYTES) {
      throw this.bad('chunk extensions over the limit');
    }
  }

  private feedTrailer(buffer: Buffer, at: number, end: number): number {
    this.state = State.trailer;
    this.trailerReader ??= new TrailerReader(this.trailerCode);
    const next = this.trailerReader.feed(buffer, at, end);
    if (next === MORE) return end;
    this.trailers = this.trailerReader.fields;
    this.state = State.done;
    return next;
  }

  private bad(what: string): ProxyError {
    return new ProxyError(this.code, `malformed chunk: ${what}`);
  }
}
