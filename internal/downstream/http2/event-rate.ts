const SECOND_MS = 1000;

/** Counts events in a second, to detect clients that cause far more than normal ones. */
export class Rate {
  private readonly limit: number;
  private since = 0;
  private count = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Counts an event. @returns whether there are too many */
  exceeded(): boolean {
    const now = performance.now();
    if (now - this.since >= SECOND_MS) {
      this.since = now;
      this.count = 0;
    }
    return ++this.count > this.limit;
  }
}
