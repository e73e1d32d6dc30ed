import { TokenBucket } from './token-bucket.ts';

/*
 * How a limited transfer waits without burning CPU: whoever has no bytes left stands in one queue, and one timer wakes
 * the queue when it pays. Nobody polls.
 *
 *   take(n) ── enough ──────────────────────────> n, go on
 *      └────── not enough ──> part of n, the gate waits ──> timer ──> slice from the bucket ──> onResume ──> take(rest)
 *
 * A gate at the head of the queue gets a slice and, if it wants more, goes to the end: no gate starves, and none jumps
 * the queue, as a gate that does not wait gets nothing while others do.
 *
 * Exactness: in take mode no more passes in a window than the rate allows plus BURST_MS, and timers that come late lose
 * nothing as long as they are late by less than BURST_MS - QUANTUM_MS. Over 3 seconds that is 3.4 % at most. What a timer
 * is later than that, on a busy machine, is caught up, for up to CATCH_UP_MS: or a process that gets to run once a second
 * would pass a burst a second, a tenth of the rate.
 */

/** The capacity of the bucket, in milliseconds of the rate: what may pass at once after an idle time. */
const BURST_MS = 100;

/** Waiting pays when so much has come together: half the burst, so that a late timer does not overflow the bucket. */
const QUANTUM_MS = 50;

/** No wait is shorter: at most 100 wake-ups a second for each bucket, however small the pieces are. */
const MIN_WAIT_MS = 10;

/** No wait is longer, so that a timer takes any rate, and a clock that jumped is looked at again. */
const MAX_WAIT_MS = 1000;

/** How much of the time that a timer was late is caught up. */
const CATCH_UP_MS = 1000;

/** The least slice worth a write of its own when many share: a TCP segment on Ethernet. */
const MIN_SLICE = 1460;

/** Runs `fn` once after `ms` milliseconds, unless the function that it returns is called before. */
export type Schedule = (fn: () => void, ms: number) => () => void;

export interface ThrottleOptions {
  /** Megabits (10^6 bits) a second, above 0, fractions allowed. */
  readonly mbps: number;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
}

/**
 * One transfer under a throttle. A gate is used in one of two ways:
 *
 * - `take` before bytes are forwarded. Exact at any rate and with any number of sharers, and the way to prefer: what it
 *   did not grant is kept back (and the source paused), and `onResume` calls for the next `take`.
 * - `passed` after bytes were forwarded. Simpler, as nothing is kept back, but every gate may be ahead by one piece:
 *   exact only when that piece, times the sharers, is small against 3 seconds of the rate.
 */
export interface Gate {
  /**
   * Asks to forward `bytes` and says how many may go now. When it is less, the gate waits: onResume is called when
   * some of the rest may go, and `take` is to be called again for all of the rest then. While it waits it grants 0.
   */
  take(bytes: number): number;
  /** Tells of bytes that were forwarded. False when the source is to be paused until onResume is called. */
  passed(bytes: number): boolean;
  /** The transfer is over: the gate waits no longer and grants nothing any more. May be called again. */
  close(): void;
}

/** A limit of bytes a second: for one connection and direction, or shared by all connections of a route. */
export class Throttle {
  readonly #bucket: TokenBucket;
  readonly #quantum: number;
  readonly #minSlice: number;
  readonly #now: () => number;
  readonly #schedule: Schedule;
  /** In the order of waking. */
  readonly #queue = new Set<QueueGate>();
  #cancelTimer: (() => void) | null = null;
  /** When the timer should come. */
  #due = 0;
  #waking = false;

  constructor({ mbps, now, schedule }: ThrottleOptions) {
    const bytesPerMs = (mbps * 1_000_000) / 8 / 1000;
    this.#quantum = Math.max(1, QUANTUM_MS * bytesPerMs);
    this.#minSlice = Math.max(1, Math.min(MIN_SLICE, Math.floor(this.#quantum)));
    this.#bucket = new TokenBucket(bytesPerMs, Math.max(2, BURST_MS * bytesPerMs), now());
    this.#now = now;
    this.#schedule = schedule;
  }

  /** A gate for a transfer that begins. `onResume` may be called until the gate is closed, never from within `take`. */
  open(onResume: () => void): Gate {
    return new QueueGate(this.#line, onResume);
  }

  /** What a gate may ask of its throttle. */
  readonly #line: Line = {
    grant: (bytes) => (this.#queue.size > 0 ? 0 : this.#bucket.take(bytes, this.#now())),
    join: (gate) => {
      this.#queue.add(gate);
      this.#arm();
    },
    leave: (gate, unused) => {
      this.#queue.delete(gate);
      this.#bucket.give(unused);
      if (this.#queue.size === 0) this.#disarm();
    },
  };

  #arm(): void {
    if (this.#cancelTimer !== null || this.#waking || this.#queue.size === 0) return;
    const wait = Math.ceil(this.#bucket.delay(this.#worthwhile(), this.#now()));
    const ms = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, wait));
    this.#due = this.#now() + ms;
    this.#cancelTimer = this.#schedule(() => this.#wake(), ms);
  }

  #disarm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** What the queue wants, as far as it matters: a quantum at most. */
  #worthwhile(): number {
    let wanted = 0;
    for (const gate of this.#queue) {
      wanted += gate.wanted;
      if (wanted >= this.#quantum) return this.#quantum;
    }
    return wanted;
  }

  #wake(): void {
    this.#cancelTimer = null;
    this.#waking = true;
    try {
      const now = this.#now();
      if (now > this.#due) this.#bucket.catchUp(Math.min(now - this.#due, CATCH_UP_MS), now);
      const fair = Math.floor(this.#bucket.available(now) / this.#queue.size);
      const slice = Math.max(this.#minSlice, fair);
      // A gate that wants more comes to the end of this very queue, and is reached again if the bucket lasts.
      for (const gate of this.#queue) {
        if (this.#bucket.available(now) < Math.min(gate.wanted, this.#minSlice)) break;
        this.#queue.delete(gate);
        gate.receive(this.#bucket.take(Math.min(gate.wanted, slice), now));
      }
    } finally {
      // Also when an onResume threw: the error is one gate's, and the others still wait.
      this.#waking = false;
      this.#arm();
    }
  }
}

interface Line {
  /** Bytes for a gate that does not wait: none while others do. */
  grant(bytes: number): number;
  join(gate: QueueGate): void;
  /** Leaves for good and gives back what was granted and not used. */
  leave(gate: QueueGate, unused: number): void;
}

class QueueGate implements Gate {
  /** Bytes that it waits for; 0 when it does not wait. */
  wanted = 0;
  readonly #line: Line;
  readonly #onResume: () => void;
  /** Granted while it waited, not yet taken. */
  #credit = 0;
  /** The bytes that it waits for have passed already: it resumes when all of them are paid. */
  #owing = false;
  #closed = false;

  constructor(line: Line, onResume: () => void) {
    this.#line = line;
    this.#onResume = onResume;
  }

  take(bytes: number): number {
    if (this.#closed || this.wanted > 0) return 0;
    const granted = this.#grant(bytes);
    if (granted < bytes) this.#wait(bytes - granted);
    return granted;
  }

  passed(bytes: number): boolean {
    if (this.#closed) return false;
    if (this.wanted > 0) {
      // Bytes that were under way when the source was paused.
      this.wanted += bytes;
      return false;
    }
    const paid = this.#grant(bytes);
    if (paid === bytes) return true;
    this.#owing = true;
    this.#wait(bytes - paid);
    return false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.wanted = 0;
    this.#line.leave(this, this.#credit);
    this.#credit = 0;
  }

  /** A slice of at most `wanted` bytes, from the throttle. The gate stands in the queue no more. */
  receive(bytes: number): void {
    if (this.#owing && bytes < this.wanted) {
      this.#wait(this.wanted - bytes);
      return;
    }
    this.wanted = 0;
    if (!this.#owing) this.#credit += bytes;
    this.#owing = false;
    this.#onResume();
  }

  #grant(bytes: number): number {
    const fromCredit = Math.min(bytes, this.#credit);
    this.#credit -= fromCredit;
    return fromCredit === bytes ? bytes : fromCredit + this.#line.grant(bytes - fromCredit);
  }

  #wait(bytes: number): void {
    this.wanted = bytes;
    this.#line.join(this);
  }
}
