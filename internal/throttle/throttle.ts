import type { ByteSource } from './byte-source.ts';
import { type ThrottleOptions, TimedSource } from './timed-source.ts';

/*
 * How a limited transfer waits without using CPU time: gates without bytes wait in one queue, and its source wakes the
 * queue when enough bytes have accumulated. There is no polling.
 *
 *     take(n) ── enough ──────────────────────────> n, continue
 *        └────── not enough ──> part of n, the gate waits ──> wake ──> slice from the source ──> onResume ──> take(rest)
 *
 * The first gate of the queue gets a slice and, if it wants more, moves to the end. So no gate starves. None can bypass
 * the queue either, because a gate that does not wait gets nothing while others wait. How exact a limit is depends on
 * its source.
 */

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

/** A limit of bytes per second: for one direction of a connection, or shared by many connections. */
export class Throttle {
  readonly #source: ByteSource;
  /** In the order in which the gates are woken. */
  readonly #queue = new Set<QueueGate>();
  #waiting = false;
  #waking = false;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * Opens a gate for a transfer. `onResume` may be called until the gate is closed, but never during `take`.
   * @param weight how many shares of the rate the gate gets when several wait, 1 or more
   */
  open(onResume: () => void, weight = 1): Gate {
    return new QueueGate(this.#line, onResume, weight);
  }

  /** Returns bytes that passed a gate which is closed, and were not used after all. */
  give(bytes: number): void {
    this.#source.give(bytes);
  }

  /** The methods of the throttle that a gate may call. */
  readonly #line: Line = {
    grant: (bytes) => (this.#queue.size > 0 ? 0 : this.#source.take(bytes)),
    join: (gate) => {
      this.#queue.add(gate);
      this.#wait();
    },
    leave: (gate, unused) => {
      this.#queue.delete(gate);
      this.#source.give(unused);
      if (this.#queue.size > 0 || !this.#waiting) return;
      this.#waiting = false;
      this.#source.cancel();
    },
  };

  #wait(): void {
    if (this.#waiting || this.#waking || this.#queue.size === 0) return;
    this.#waiting = true;
    this.#source.wait(this.#worthwhile(), this.#weight(), () => this.#wake());
  }

  /** The bytes that the queue wants, at most a quantum. */
  #worthwhile(): number {
    const { quantum } = this.#source;
    let wanted = 0;
    for (const gate of this.#queue) {
      wanted += gate.wanted;
      if (wanted >= quantum) return quantum;
    }
    return wanted;
  }

  #weight(): number {
    let sum = 0;
    for (const gate of this.#queue) sum += gate.weight;
    return sum;
  }

  #wake(): void {
    const source = this.#source;
    this.#waiting = false;
    this.#waking = true;
    try {
      const share = source.available() / this.#weight();
      // A gate that wants more moves to the end of this queue, and its turn comes again if the source has enough.
      for (const gate of this.#queue) {
        if (source.available() < Math.min(gate.wanted, source.minSlice)) break;
        this.#queue.delete(gate);
        const slice = Math.max(source.minSlice, Math.floor(share * gate.weight));
        gate.receive(source.take(Math.min(gate.wanted, slice)));
      }
    } finally {
      // This is also needed if an onResume threw: the error concerns one gate, and the others still wait.
      this.#waking = false;
      this.#wait();
    }
  }
}

/** A limit whose bytes come with time, in this process. */
export function createThrottle(options: ThrottleOptions): Throttle {
  return new Throttle(new TimedSource(options));
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
  readonly weight: number;
  readonly #line: Line;
  readonly #onResume: () => void;
  /** Bytes that were granted while it waited, and are not taken yet. */
  #credit = 0;
  /** The bytes for which it waits have already passed: it resumes when all of them are covered. */
  #owing = false;
  #closed = false;

  constructor(line: Line, onResume: () => void, weight: number) {
    this.weight = weight;
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
