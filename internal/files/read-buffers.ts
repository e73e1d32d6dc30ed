/**
 * Size of a read for a client that accepts bytes as they come: each read costs a round trip through a thread, however
 * small it is.
 */
const WIDE_BYTES = 262_144;

/** Number of responses that may have a wide buffer at a time; the others use smaller reads. 4 MiB in total. */
const MAX_WIDE = 16;

/**
 * Wide buffers for reading files. They are reused, because allocating one costs as much as filling it. Their number is
 * small, so slow clients can hold little of them.
 */
export class ReadBuffers {
  readonly #free: Buffer[] = [];
  #lent = 0;

  /** Returns a buffer of WIDE_BYTES, or null if all are in use. Return it with `giveBack` or `forget`. */
  take(): Buffer | null {
    if (this.#lent === MAX_WIDE) return null;
    this.#lent++;
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(WIDE_BYTES);
  }

  /** Returns a buffer that is not used any more. */
  giveBack(buffer: Buffer): void {
    this.#lent--;
    this.#free.push(buffer);
  }

  /** Gives a buffer up that a connection may still use for a moment: it is not used again. */
  forget(): void {
    this.#lent--;
  }
}

/** The buffers of the process. */
export const readBuffers = new ReadBuffers();
