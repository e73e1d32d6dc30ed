/**
 * Bytes that may pass, filled at a steady rate up to a capacity, and full at first. Time comes in as an argument:
 * milliseconds of a monotonic clock, fractions included. A clock that steps back adds nothing.
 */
export class TokenBucket {
  readonly #bytesPerMs: number;
  readonly #capacity: number;
  #level: number;
  #at: number;
  /** Until when more than the capacity may be held. */
  #surplusUntil = 0;

  /** Both above 0; the capacity at least 1, or no byte would ever pass. */
  constructor(bytesPerMs: number, capacity: number, now: number) {
    this.#bytesPerMs = bytesPerMs;
    this.#capacity = capacity;
    this.#level = capacity;
    this.#at = now;
  }

  /** Whole bytes that may pass now. */
  available(now: number): number {
    this.#fill(now);
    return Math.floor(this.#level);
  }

  /** Takes up to `bytes` and says how many it gave: whole bytes, 0 when there are none. */
  take(bytes: number, now: number): number {
    const given = Math.min(bytes, this.available(now));
    this.#level -= given;
    return given;
  }

  /** Puts bytes back that were taken and did not pass. */
  give(bytes: number): void {
    this.#level = Math.min(this.#capacity, this.#level + bytes);
  }

  /** Milliseconds until `bytes`, or a full bucket if that is less, may pass; 0 when they may now. */
  delay(bytes: number, now: number): number {
    this.#fill(now);
    return Math.max(0, (Math.min(bytes, this.#capacity) - this.#level) / this.#bytesPerMs);
  }

  /**
   * Fills up, beyond the capacity by what comes in `ms`: bytes were wanted for so long and could not be taken. What is
   * beyond the capacity has to be taken within as long.
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
