/** Initial size of the buffer: the first read of most ClientHellos and prefaces fits. */
const INITIAL_BYTES = 2048;

/**
 * The first bytes of a connection, kept until the protocol is known. They are in one buffer that doubles, so that a
 * client that sends single bytes does not cost an object for each. The reader of the bytes limits their number.
 */
export class FirstBytes {
  private buffer: Buffer | null = null;
  private length = 0;

  /** Appends a copy of further bytes. */
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

  /** All bytes, in order. */
  get bytes(): Buffer {
    return this.buffer === null ? Buffer.alloc(0) : this.buffer.subarray(0, this.length);
  }
}
