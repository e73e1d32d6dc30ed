import type { ProxyError } from '../base/index.ts';

/** Milliseconds for which repeated failures are counted before they are logged. */
const COUNTED_FOR = 1000;

/**
 * Number of different failures (by upstream, code and message) that are counted at a time. There must be a limit,
 * because an upstream with placeholders has as many addresses as its clients choose. Hardly any config names this many.
 */
export const MAX_COUNTED = 1024;

/**
 * Number of failures of one upstream with the same message and code within a second, without the one that was logged at
 * once.
 */
export interface FailureCount {
  readonly message: string;
  readonly upstream: string;
  readonly count: number;
  readonly last: ProxyError;
}

/** The clock of RepeatedFailures. */
export interface FailureClock {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Calls back once; does not keep the process alive. @returns a function that cancels the call */
  after(milliseconds: number, callback: () => void): () => void;
}

const SYSTEM_CLOCK: FailureClock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** A second in which failures are counted. */
interface Window {
  readonly message: string;
  readonly upstream: string;
  readonly end: number;
  count: number;
  last: ProxyError | null;
}

/**
 * Prevents a dead upstream from filling the log. Of equal failures (upstream, message and code), the first is logged at
 * once, and those of the following second as one count:
 *
 *     quiet ──failure: to be logged at once──> counting ──failure──> counting, one more
 *       ▲                                       │    ▲                   │
 *       └─────── a second with no failure ──────┘    └── a second is over: the count is written
 */
export class RepeatedFailures {
  private readonly write: (count: FailureCount) => void;
  private readonly clock: FailureClock;
  /**
   * All windows have the same length, and are added when they begin: the first one is both the oldest and the next to
   * end.
   */
  private readonly windows = new Map<string, Window>();
  private cancelTimer: (() => void) | null = null;

  /** @param write logs a count */
  constructor(write: (count: FailureCount) => void, clock = SYSTEM_CLOCK) {
    this.write = write;
    this.clock = clock;
  }

  /** Records a failure. @returns true if it must be logged at once; otherwise it is counted */
  isFirst(message: string, upstream: string, error: ProxyError): boolean {
    const now = this.clock.now();
    // The timer may be late, but a failure belongs to the second in which it happens.
    this.endWindows(now);
    const key = `${error.code} ${message} ${upstream}`;
    const window = this.windows.get(key);
    if (window !== undefined) {
      window.count++;
      window.last = error;
      return false;
    }
    if (this.windows.size >= MAX_COUNTED) this.forgetOldest();
    this.open(key, message, upstream, now);
    this.setTimer(now);
    return true;
  }

  /** Writes the counts so far, and starts again. */
  flush(): void {
    const open = [...this.windows.values()];
    this.windows.clear();
    this.cancelTimer?.();
    this.cancelTimer = null;
    for (const window of open) this.writeCount(window);
  }

  private open(key: string, message: string, upstream: string, now: number): void {
    this.windows.set(key, { message, upstream, end: now + COUNTED_FOR, count: 0, last: null });
  }

  private forgetOldest(): void {
    for (const [key, window] of this.windows) {
      this.windows.delete(key);
      return this.writeCount(window);
    }
  }

  private endWindows(now: number): void {
    for (const [key, window] of this.windows) {
      if (window.end > now) return;
      this.windows.delete(key);
      if (window.count === 0) continue;
      this.writeCount(window);
      // It is at the end of the map now, and this loop does not reach it again, because it ends later than now.
      this.open(key, window.message, window.upstream, now);
    }
  }

  private writeCount({ message, upstream, count, last }: Window): void {
    if (last !== null) this.write({ message, upstream, count, last });
  }

  /** One timer for all windows, set to the one that ends next; none if there is no window. */
  private setTimer(now: number): void {
    if (this.cancelTimer !== null) return;
    for (const { end } of this.windows.values()) {
      this.cancelTimer = this.clock.after(Math.ceil(end - now), this.timerOnEnd);
      return;
    }
  }

  private readonly timerOnEnd = (): void => {
    this.cancelTimer = null;
    const now = this.clock.now();
    this.endWindows(now);
    this.setTimer(now);
  };
}
