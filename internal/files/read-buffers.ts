/**
 * Bytes read at once for a client that takes them as they come: each read costs a round trip through a thread, however
 * little it brings.
 */
const WIDE_BYTES = 262_144;

/** So many responses may have a wide buffer at a time; the others read less at once. 4 MiB in all. */
const MAX_WIDE = 16;

/**
 * Wide buffers for reading files, used again and again: to allocate one costs as much as to fill it. As they are few, what
 * slow clients hold of them is bounded, too.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = [];
  #lent = 0;

  /** A buffer of WIDE_BYTES, or null when all are in use. Give it back by `giveBack` or `forget`. */
  take(): Buffer | null {
    if (this.#lent === MAX_WIDE) return null;
    this.#lent++;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(WIDE_BYTES);
  }

  /** Nobody uses the buffer any more. */
  giveBack(buffer: Buffer): void {
    this.#lent--;
    this.#free.push(buffer);
  }

  /** The buffer may still be in use by something that is about to end: it is not used again. */
  forget(): void {
    this.#lent--;
  }
}

/** One set for the whole process. */
export const readBuffers = new ReadBuffers();
