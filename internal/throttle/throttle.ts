import { TokenBucket } from './token-bucket.ts';

/*
 * How a limited transfer waits without using CPU time: gates without bytes wait in one queue, and one timer wakes the
 * queue when enough bytes have accumulated. There is no polling.
 *
 *     take(n) ── enough ──────────────────────────> n, continue
 *        └────── not enough ──> part of n, the gate waits ──> timer ──> slice from the bucket ──> onResume ──> take(rest)
 *
 * The first gate of the queue gets a slice and, if it wants more, moves to the end. So no gate starves. None can bypass
 * the queue either, because a gate that does not wait gets nothing while others wait.
 *
 * Exactness: in take mode, no more passes within any period than the rate allows plus BURST_MS. Timers that are late by
 * less than BURST_MS - QUANTUM_MS lose nothing. Over 3 seconds the error is 3.4 % at most. If a timer is later than
 * that on a busy machine, the lost time is made up, up to CATCH_UP_MS. Otherwise a process that runs once a second
 * would pass one burst a second, a tenth of the rate.
 */

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

/**
 * One transfer under a throttle. A gate is used in one of two ways:
 *
 * - `take` before bytes are forwarded. This is exact at any rate and with any number of gates, so prefer it. The caller
 *   keeps the bytes that were not granted and pauses the source; `onResume` asks for the next `take`.
 * - `passed` after bytes were forwarded. This is simpler, because nothing is kept back, but every gate may be ahead by
 *   one piece. It is exact only if that piece, times the number of gates, is small compared with 3 seconds of the rate.
 */
export interface Gate {
  /**
   * Asks to forward `bytes`, and returns how many may pass now. If it is less, the gate waits: onResume is called when
   * some of the rest may pass, and the caller then calls `take` again for the whole rest. While a gate waits it grants
   * 0.
   */
  take(bytes: number): number;
  /** Reports bytes that were forwarded. Returns false if the source must be paused until onResume is called. */
  passed(bytes: number): boolean;
  /** The transfer is over: the gate stops waiting and grants nothing more. May be called again. */
  close(): void;
}

/** A limit of bytes per second: for one direction of a connection, or shared by all connections of a route. */
export class Throttle {
  readonly #bucket: TokenBucket;
  readonly #quantum: number;
  readonly #minSlice: number;
  readonly #now: () => number;
  readonly #schedule: Schedule;
  /** In the order in which the gates are woken. */
  readonly #queue = new Set<QueueGate>();
  #cancelTimer: (() => void) | null = null;
  /** The time for which the timer is set. */
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

  /** Opens a gate for a transfer. `onResume` may be called until the gate is closed, but never during `take`. */
  open(onResume: () => void): Gate {
    return new QueueGate(this.#line, onResume);
  }

  /** The methods of the throttle that a gate may call. */
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

  /** The bytes that the queue wants, at most a quantum. */
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
      // A gate that wants more moves to the end of this queue, and its turn comes again if the bucket has enough.
      for (const gate of this.#queue) {
        if (this.#bucket.available(now) < Math.min(gate.wanted, this.#minSlice)) break;
        this.#queue.delete(gate);
        gate.receive(this.#bucket.take(Math.min(gate.wanted, slice), now));
      }
    } finally {
      // This is also needed if an onResume threw: the error concerns one gate, and the others still wait.
      this.#waking = false;
      this.#arm();
    }
  }
}

interface Line {
  /** Grants bytes to a gate that does not wait: none while other gates wait. */
  grant(bytes: number): number;
  join(gate: QueueGate): void;
  /** Removes a gate, and returns bytes that were granted but not used. */
  leave(gate: QueueGate, unused: number): void;
}

class QueueGate implements Gate {
  /** The bytes for which it waits; 0 if it does not wait. */
  wanted = 0;
  readonly #line: Line;
  readonly #onResume: () => void;
  /** Bytes that were granted while it waited, and are not taken yet. */
  #credit = 0;
  /** The bytes for which it waits have already passed: it resumes when all of them are covered. */
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
      // Bytes that were in flight when the source was paused.
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

  /** Receives a slice of at most `wanted` bytes from the throttle. The gate has left the queue. */
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
