import type { ProxyError } from '../base/index.ts';

/** How long failures that repeat the first are counted before they are logged, in milliseconds. */
const COUNTED_FOR = 1000;

/**
 * How many kinds of failures (upstream, code and message) are counted at a time. There has to be a bound, as an upstream
 * with placeholders has as many addresses as its clients think of; hardly any config names as many.
 */
export const MAX_COUNTED = 1024;

/** Failures of one upstream with the same message and code within a second, without the one that was logged at once. */
export interface FailureCount {
  readonly message: string;
  readonly upstream: string;
  readonly count: number;
  readonly last: ProxyError;
}

/** What RepeatedFailures knows of time. */
export interface FailureClock {
  /** Milliseconds of a monotonic clock. */
  now(): number;
  /** Calls back once; keeps no process from ending. @returns what takes it back */
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
 * Keeps a dead upstream from filling the log. Of failures alike (upstream, message and code), the first is logged at
 * once, and those of the second that follows as one count:
 *
 *     quiet ──failure: to be logged at once──> counting ──failure──> counting, one more
 *       ▲                                       │    ▲                   │
 *       └─────── a second with no failure ──────┘    └── a second is over: the count is written
 */
export class RepeatedFailures {
  private readonly write: (count: FailureCount) => void;
  private readonly clock: FailureClock;
  /** All last equally long, and are put in when they begin: the first one is both the oldest and the next to end. */
  private readonly windows = new Map<string, Window>();
  private cancelTimer: (() => void) | null = null;

  /** @param write logs a count */
  constructor(write: (count: FailureCount) => void, clock = SYSTEM_CLOCK) {
    this.write = write;
    this.clock = clock;
  }

  /** Takes note of a failure. @returns true when it is to be logged at once; otherwise it is counted */
  isFirst(message: string, upstream: string, error: ProxyError): boolean {
    const now = this.clock.now();
    // The timer may be late, and a failure belongs to the second in which it happens.
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

  /** Writes what was counted so far, and begins anew. */
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
      // It stands at the end of the map now, and is not met again: it ends later than now.
      this.open(key, window.message, window.upstream, now);
    }
  }

  private writeCount({ message, upstream, count, last }: Window): void {
    if (last !== null) this.write({ message, upstream, count, last });
  }

  /** One timer for all, for the window that ends next; none where there is no window. */
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
