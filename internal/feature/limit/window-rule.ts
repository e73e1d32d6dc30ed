import type { RateRule, RateRuleOptions } from './rate-rule.ts';

/** The state of a key: requests admitted in its running window and in the previous one. */
export interface WindowState {
  /** When the running window began. */
  start: number;
  previous: number;
  current: number;
}

/**
 * A sliding window, estimated from two fixed ones. The windows of a key follow one another from its first request on.
 *
 *     previous window      running window
 *     ├───────────────────┼────────╎──────────┤
 *               └──── interval ────┘ now        admitted: current + previous × share ≤ max
 *
 * `share` is the part of the previous window that still counts. At weight 50 it is the part that the sliding interval covers.
 * At 100 it is nothing, which makes a fixed window. At 0 it is twice the covered part, so that after a window that was used
 * up no request passes for half of the next one. So a window never admits more than `max`; at weight 50 and below, the
 * estimate for any interval does not exceed `max` either.
 */
export class WindowRule implements RateRule<WindowState> {
  private readonly max: number;
  private readonly interval: number;
  /** Factor for the part that the sliding interval covers: 0 to 2. */
  private readonly heft: number;

  constructor({ max, interval, weight }: Pick<RateRuleOptions, 'max' | 'interval' | 'weight'>) {
    this.max = max;
    this.interval = interval;
    this.heft = 2 * (1 - weight / 100);
  }

  begin(now: number): WindowState {
    return { start: now, previous: 0, current: 0 };
  }

  left(state: WindowState, now: number): number {
    this.roll(state, now);
    return Math.max(0, this.max - state.current - this.carried(state.previous, now - state.start));
  }

  take(state: WindowState, count: number, now: number): void {
    this.roll(state, now);
    state.current += count;
  }

  giveBack(state: WindowState, count: number, stamp: number, now: number): void {
    this.roll(state, now);
    if (stamp === state.start) state.current = Math.max(0, state.current - count);
    else if (stamp === state.start - this.interval) state.previous = Math.max(0, state.previous - count);
  }

  stampOf(state: WindowState, now: number): number {
    this.roll(state, now);
    return state.start;
  }

  validFor(state: WindowState, now: number): number {
    this.roll(state, now);
    return state.start + this.interval - now;
  }

  wait(state: WindowState, now: number): number {
    if (this.left(state, now) > 0) return 0;
    const { start, previous, current } = state;
    const elapsed = now - start;
    if (current < this.max) {
      const free = this.freeAfter(previous, current);
      if (free < this.interval) return Math.max(TICK, free - elapsed);
    }
    // The next window, in which the running one is the previous one.
    return this.interval - elapsed + this.freeAfter(current, 0);
  }

  reset(state: WindowState, now: number): number {
    this.roll(state, now);
    const elapsed = now - state.start;
    if (state.current === 0) return state.previous === 0 ? 0 : this.interval - elapsed;
    return (this.heft === 0 ? 1 : 2) * this.interval - elapsed;
  }

  /** Moves to the window of the current time. */
  private roll(state: WindowState, now: number): void {
    const elapsed = now - state.start;
    if (elapsed < this.interval) return;
    if (elapsed >= 2 * this.interval) {
      state.previous = state.current = 0;
      state.start = now;
      return;
    }
    state.previous = state.current;
    state.current = 0;
    state.start += this.interval;
  }

  /** Number of requests of the previous window that still count after this time since its end. */
  private carried(previous: number, elapsed: number): number {
    return Math.floor(previous * Math.min(1, this.heft * (1 - elapsed / this.interval)));
  }

  /** Milliseconds from the start of a window until another request fits, if fewer than `max` are admitted in it. */
  private freeAfter(previous: number, current: number): number {
    const room = this.max - current;
    if (previous < room) return 0;
    // Less than `room` must be carried: previous × heft × (1 - elapsed / interval) < room.
    const at = (1 - room / (previous * this.heft)) * this.interval;
    return at < 0 ? 0 : at + TICK;
  }
}

/** Milliseconds. The carried part must fall below a whole number, and at the computed time it only reaches that number. */
const TICK = 0.001;
