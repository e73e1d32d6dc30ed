/** A worker that ends within this time of its begin has ended early, in milliseconds. */
const EARLY = 1000;

/** Early ends in a row that are made good at once: what happened may not happen again. */
const AT_ONCE = 3;

/** Milliseconds to the next start after one early end more; doubled with each further one. */
const FIRST_DELAY = 1000;

/** It never gets longer: whatever is wrong may have been mended. */
const MAX_DELAY = 30_000;

/**
 * When the next worker may begin in the place of one that has ended. One that has served for a while is replaced at
 * once; those that end again and again as soon as they begin would use up the machine, so their starts are spread.
 */
export class CrashBackoff {
  private early = 0;

  /** Early ends in a row so far. */
  get row(): number {
    return this.early;
  }

  /**
   * Counts an end.
   * @param uptime milliseconds that the worker lived
   * @returns milliseconds to wait before the next one; 0 = none
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
