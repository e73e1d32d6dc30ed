/** A worker that ends within this number of milliseconds after its start has ended early. */
const EARLY = 1000;

/** Number of consecutive early ends after which a worker is still replaced at once, because the cause may not recur. */
const AT_ONCE = 3;

/** Milliseconds until the next start after one more early end; doubled with each further one. */
const FIRST_DELAY = 1000;

/** The longest delay. The cause may be removed at any time. */
const MAX_DELAY = 30_000;

/**
 * Decides when a worker that has ended is replaced. A worker that has served for a while is replaced at once. Workers
 * that keep ending as soon as they start would take all resources of the machine, so their starts are delayed.
 */
export class CrashBackoff {
  private early = 0;

  /** Number of consecutive early ends so far. */
  get row(): number {
    return this.early;
  }

  /**
   * Counts an end.
   * @param uptime how long the worker lived, in milliseconds
   * @returns milliseconds to wait before the next start; 0 = none
   */
  ended(uptime: number): number {
    if (uptime >= EARLY) {
      this.early = 0;
      return 0;
    }
    this.early++;
    if (this.early < AT_ONCE) return 0;
    return Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (this.early - AT_ONCE));
  }
}
