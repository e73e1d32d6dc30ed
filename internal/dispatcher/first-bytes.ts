/** What the first read of a ClientHello or a preface mostly fits in. */
const INITIAL_BYTES = 2048;

/**
 * The first bytes of a connection, kept until it is known whose they are. One buffer that doubles: a client that sends
 * single bytes costs no object for each. The reader of the bytes bounds them.
 */
export class FirstBytes {
  private buffer: Buffer | null = null;
  private length = 0;

  /** Keeps a copy of further bytes. */
  add(buffer: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (this.buffer === null || this.buffer.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(needed, INITIAL_BYTES, this.length * 2));
      this.buffer?.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    buffer.copy(this.buffer, this.length, start, end);
    this.length = needed;
  }

  /** Everything that was kept, in order. */
  get bytes(): Buffer {
    return this.buffer === null ? Buffer.alloc(0) : this.buffer.subarray(0, this.length);
  }
}
