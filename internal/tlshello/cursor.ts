import { ProxyError } from '../base/index.ts';

/** Makes the error for a malformed ClientHello. */
export function badClientHello(message: string): ProxyError {
  return new ProxyError('bad_client_hello', message);
}

/**
 * Reads the numbers and vectors of the TLS presentation language (RFC 8446 §3) from the bytes between `at` and `end`.
 * It never reads beyond `end`: a value that would extend beyond it is `bad_client_hello`.
 */
export class Cursor {
  /** The position of the next read. */
  at: number;
  readonly end: number;
  private readonly buffer: Buffer;

  constructor(buffer: Buffer, at: number, end: number) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  /** Whether everything has been read. */
  get done(): boolean {
    return this.at === this.end;
  }

  /** The number of bytes that are left. */
  get length(): number {
    return this.end - this.at;
  }

  uint8(): number {
    return this.buffer[this.skip(1)];
  }

  uint16(): number {
    const at = this.skip(2);
    return (this.buffer[at] << 8) | this.buffer[at + 1];
  }

  /** Skips bytes, and returns the position of the first one. */
  skip(length: number): number {
    const { at } = this;
    if (length > this.length) throw badClientHello('a length leads beyond the end of what holds it');
    this.at = at + length;
    return at;
  }

  /** The content of a vector whose length field has one byte; it must have at least `least` bytes. */
  vector8(least: number): Cursor {
    return this.vector(this.uint8(), least);
  }

  /** The content of a vector whose length field has two bytes; it must have at least `least` bytes. */
  vector16(least: number): Cursor {
    return this.vector(this.uint16(), least);
  }

  /** The rest as text, one character per byte. */
  latin1(): string {
    const at = this.skip(this.length);
    return this.buffer.toString('latin1', at, this.end);
  }

  /** Throws if any byte is left. */
  expectEnd(what: string): void {
    if (!this.done) throw badClientHello(`bytes are left behind ${what}`);
  }

  private vector(length: number, least: number): Cursor {
    if (length < least) throw badClientHello('a vector is shorter than the least that it may hold');
    const at = this.skip(length);
    return new Cursor(this.buffer, at, at + length);
  }
}
