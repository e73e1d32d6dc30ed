import { type ErrorCode, ProxyError } from '../base/index.ts';
import { CR, FIELD_VALUE, HEX_DIGIT, HTAB, LF, SP } from './characters.ts';
import type { Fields } from './fields.ts';
import { MAX_CHUNK_EXTENSION_BYTES, MAX_CHUNK_HEAD_BYTES, MAX_CHUNK_SIZE_DIGITS } from './limits.ts';
import type { BodySink } from './body-sink.ts';
import { TrailerReader } from './trailer-section.ts';
import { MORE } from './head-reader.ts';

const SEMICOLON = 0x3b;

/**
 *               hex digits            CR         LF, size > 0
 *      ┌── size ──────────> extension ──> sizeLf ──────────────> data ──> dataCr ──> dataLf ──┐
 *      │                                    │ size = 0                                        │
 *      │                                    └──> trailer ──> done                             │
 *      └───────────────────────────────────────────────────────────────────────────────────── ┘
 */
const State = { size: 0, extension: 1, sizeLf: 2, data: 3, dataCr: 4, dataLf: 5, trailer: 6, done: 7 } as const;
type State = (typeof State)[keyof typeof State];

/** Decodes a chunked body (RFC 9112 §7.1) out of slices of bytes, however they are cut. */
export class ChunkedDecoder {
  /** The trailer section, once the body has ended and if it had one. */
  trailers: Fields | null = null;
  private state: State = State.size;
  private size = 0;
  private digits = 0;
  private headBytes = 0;
  private extensionBytes = 0;
  private trailerReader: TrailerReader | null = null;
  private readonly code: ErrorCode;
  private readonly trailerCode: ErrorCode;

  /** @param code what a malformed chunk fails with; `trailerCode` is for the trailer section. */
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
    this.size = this.digits = this.headBytes = this.extensionBytes = 0;
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
    while (at < end) {
      if (this.state === State.data) {
        const take = Math.min(this.size, end - at);
        this.size -= take;
        if (this.size === 0) this.state = State.dataCr;
        sink.onBody(buffer, at, at + take);
        at += take;
      } else if (this.state === State.trailer) {
        at = this.feedTrailer(buffer, at, end);
        if (this.done) return at;
      } else {
        this.step(buffer[at++] as number);
      }
    }
    return at;
  }

  /** One byte of what stands between the data of two chunks. */
  private step(byte: number): void {
    switch (this.state) {
      case State.size:
        return this.stepSize(byte);
      case State.extension:
        return this.stepExtension(byte);
      case State.sizeLf:
        if (byte !== LF) throw this.bad('a CR without its LF behind a chunk size');
        this.digits = this.headBytes = 0;
        this.state = this.size > 0 ? State.data : State.trailer;
        return;
      case State.dataCr:
        if (byte !== CR) throw this.bad('chunk data longer than the chunk size');
        this.state = State.dataLf;
        return;
      case State.dataLf:
        if (byte !== LF) throw this.bad('a CR without its LF behind chunk data');
        this.state = State.size;
        return;
      default:
        throw new Error(`no step out of state ${this.state}`);
    }
  }

  private stepSize(byte: number): void {
    const digit = HEX_DIGIT[byte] as number;
    if (digit !== 0) {
      if (++this.digits > MAX_CHUNK_SIZE_DIGITS) throw this.bad('a chunk size of too many digits');
      this.size = this.size * 16 + digit - 1;
      return;
    }
    if (this.digits === 0) throw this.bad('a chunk size that is not hexadecimal');
    if (byte === CR) this.state = State.sizeLf;
    else if (byte === SEMICOLON || byte === SP || byte === HTAB) this.state = State.extension;
    else throw this.bad('a chunk size that is not hexadecimal');
    // RFC 9112 §7.1.1: bad white space may stand before the ";" of an extension, nowhere else.
    this.headBytes = byte === SEMICOLON ? 1 : 0;
  }

  /** chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ): read over, never forwarded. */
  private stepExtension(byte: number): void {
    if (byte === CR) {
      if (this.headBytes === 0) throw this.bad('white space behind a chunk size');
      this.state = State.sizeLf;
      return;
    }
    if (FIELD_VALUE[byte] === 0) throw this.bad('a control byte in a chunk extension');
    if (this.headBytes === 0 && byte !== SP && byte !== HTAB && byte !== SEMICOLON) {
      throw this.bad('a chunk size that is not hexadecimal');
    }
    if (this.headBytes > 0 || byte === SEMICOLON) this.headBytes++;
    if (++this.extensionBytes > MAX_CHUNK_EXTENSION_BYTES || this.headBytes > MAX_CHUNK_HEAD_BYTES) {
      throw this.bad('chunk extensions over the limit');
    }
  }

  private feedTrailer(buffer: Buffer, at: number, end: number): number {
    this.trailerReader ??= new TrailerReader(this.trailerCode);
    const next = this.trailerReader.feed(buffer, at, end);
    if (next === MORE) return end;
    if (this.trailerReader.fields.count > 0) this.trailers = this.trailerReader.fields;
    this.state = State.done;
    return next;
  }

  private bad(what: string): ProxyError {
    return new ProxyError(this.code, `malformed chunk: ${what}`);
  }
}
