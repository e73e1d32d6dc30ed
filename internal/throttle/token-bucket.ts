/**
 * A token bucket of bytes: it fills at a steady rate up to its capacity, and is full at first. The time is an argument,
 * in milliseconds of a monotonic clock with fractions. A clock that steps back adds nothing.
 */
export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #capacity: number;
  #level: number;
  #at: number;
  /** The time until which the bucket may have more than its capacity. */
  #surplusUntil = 0;

  /** Both values are above 0; the capacity is at least 1, because otherwise no byte could ever pass. */
  constructor(bytesPerMs: number, capacity: number, now: number) {
    this.#bytesPerMs = bytesPerMs;
    this.#capacity = capacity;
    this.#level = capacity;
    this.#at = now;
  }

  /** Number of bytes that may pass now. */
  available(now: number): number {
    this.#fill(now);
    return Math.floor(this.#level);
  }

  /** Takes up to `bytes`, and returns the number of bytes taken; 0 if there are none. */
  take(bytes: number, now: number): number {
    const given = Math.min(bytes, this.available(now));
    this.#level -= given;
    return given;
  }

  /** Returns bytes to the bucket that were taken but did not pass. */
  give(bytes: number): void {
    this.#level = Math.min(this.#capacity, this.#level + bytes);
  }

  /** Milliseconds until `bytes`, or a full bucket if that is less, may pass; 0 if they may pass now. */
  delay(bytes: number, now: number): number {
    this.#fill(now);
    return Math.max(0, (Math.min(bytes, this.#capacity) - this.#level) / this.#bytesPerMs);
  }

  /**
   * Fills the bucket beyond its capacity by the bytes of `ms`, because bytes were wanted for that long and could not be
   * taken. The surplus must be taken within the same time.
   */
  catchUp(ms: number, now: number): void {
    this.#fill(now, ms);
    this.#surplusUntil = now + ms;
  }

  #fill(now: number, beyond = 0): void {
    if (now <= this.#at) return;
    const held = now > this.#surplusUntil ? Math.min(this.#level, this.#capacity) : this.#level;
    const most = Math.max(held, this.#capacity + beyond * this.#bytesPerMs);
    this.#level = Math.min(most, held + (now - this.#at) * this.#bytesPerMs);
    this.#at = now;
  }
}
