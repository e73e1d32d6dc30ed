/**
 * Calls back `quietMs` after the last touch, but at most `maxMs` after the first, so that it does not wait forever if
 * touches never stop.
 */
export class QuietTimer {
  readonly #quietMs: number;
  readonly #maxMs: number;
  readonly #onQuiet: () => void;
  #timer: NodeJS.Timeout | null = null;
  #firstAt = 0;

  constructor(quietMs: number, maxMs: number, onQuiet: () => void) {
    this.#quietMs = quietMs;
    this.#maxMs = maxMs;
    this.#onQuiet = onQuiet;
  }

  /** Whether a touch is waiting for its callback. */
  get pending(): boolean {
    return this.#timer !== null;
  }

  /** Records an event. */
  touch(): void {
    const now = performance.now();
    if (this.#timer === null) this.#firstAt = now;
    else clearTimeout(this.#timer);
    const wait = Math.min(this.#quietMs, this.#firstAt + this.#maxMs - now);
    this.#timer = setTimeout(() => this.#timerOnTimeout(), Math.max(0, wait));
  }

  /** Discards every touch. */
  cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #timerOnTimeout(): void {
    this.#timer = null;
    this.#onQuiet();
  }
}
