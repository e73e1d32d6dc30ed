const SECOND_MS = 1000;

/** Counts events that no honest client has many of in a second. */
export class Rate {
  private readonly limit: number;
  private since = 0;
  private count = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** One more. @returns whether they are too many */
  exceeded(): boolean {
    const now = performance.now();
    if (now - this.since >= SECOND_MS) {
      this.since = now;
      this.count = 0;
    }
    return ++this.count > this.limit;
  }
}
