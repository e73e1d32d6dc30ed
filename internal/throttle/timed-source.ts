import type { ByteSource } from './byte-source.ts';
import { TokenBucket } from './token-bucket.ts';

/** The capacity of the bucket, in milliseconds of the rate: what may pass at once after a pause. */
const BURST_MS = 100;

/**
 * The amount, in milliseconds of the rate, for which the queue waits: half the burst, so that the bucket does not
 * overflow when a timer is late.
 */
const QUANTUM_MS = 50;

/** The shortest wait: at most 100 wake-ups a second for each bucket, however small the pieces are. */
const MIN_WAIT_MS = 10;

/** The longest wait, so that every rate fits a timer, and a clock that has jumped is read again. */
const MAX_WAIT_MS = 1000;

/** The most time, in milliseconds, that is made up after a late timer. */
const CATCH_UP_MS = 1000;

/** The smallest slice that is worth a write of its own when many gates share: a TCP segment on Ethernet. */
const MIN_SLICE = 1460;

/** Runs `fn` once after `ms` milliseconds, unless the returned function is called before. */
export type Schedule = (fn: () => void, ms: number) => () => void;

export interface ThrottleOptions {
  /** Megabits (10^6 bits) per second, above 0, fractions allowed. */
  readonly mbps: number;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
}

/** Bytes that a throttle of that rate waits for, in 50 ms of the rate. */
export function quantumOf(mbps: number): number {
  return Math.max(1, QUANTUM_MS * bytesPerMsOf(mbps));
}

/** The smallest slice of a throttle of that rate. */
export function minSliceOf(mbps: number): number {
  return Math.max(1, Math.min(MIN_SLICE, Math.floor(quantumOf(mbps))));
}

function bytesPerMsOf(mbps: number): number {
  return (mbps * 1_000_000) / 8 / 1000;
}

/**
 * Bytes of a bucket that is filled at a rate.
 *
 * Exactness: no more is taken within any period than the rate allows plus BURST_MS. Timers that are late by less than
 * BURST_MS - QUANTUM_MS lose nothing. Over 3 seconds the error is 3.4 % at most. If a timer is later than that on a
 * busy machine, the lost time is made up, up to CATCH_UP_MS. Otherwise a process that runs once a second would pass one
 * burst a second, a tenth of the rate.
 */
export class TimedSource implements ByteSource {
  readonly quantum: number;
  readonly minSlice: number;
  readonly #bucket: TokenBucket;
  readonly #now: () => number;
  readonly #schedule: Schedule;
  #cancelTimer: (() => void) | null = null;

  constructor({ mbps, now, schedule }: ThrottleOptions) {
    const bytesPerMs = bytesPerMsOf(mbps);
    this.quantum = quantumOf(mbps);
    this.minSlice = minSliceOf(mbps);
    this.#bucket = new TokenBucket(bytesPerMs, Math.max(2, BURST_MS * bytesPerMs), now());
    this.#now = now;
    this.#schedule = schedule;
  }

  available(): number {
    return this.#bucket.available(this.#now());
  }

  take(bytes: number): number {
    return this.#bucket.take(bytes, this.#now());
  }

  give(bytes: number): void {
    this.#bucket.give(bytes);
  }

  wait(wanted: number, _gates: number, wake: () => void): void {
    const delay = Math.ceil(this.#bucket.delay(wanted, this.#now()));
    const ms = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, delay));
    const due = this.#now() + ms;
    this.#cancelTimer = this.#schedule(() => {
      const now = this.#now();
      if (now > due) this.#bucket.catchUp(Math.min(now - due, CATCH_UP_MS), now);
      wake();
    }, ms);
  }

  cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}
