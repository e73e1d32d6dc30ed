import type { RateRule, RateRuleOptions } from './rate-rule.ts';

/** The state of a key. */
export interface GcraState {
  /** When the next request at exactly the rate would come (the theoretical arrival time). In the past: nothing is used up. */
  due: number;
}

/**
 * The generic cell rate algorithm: a bucket that holds `burst` requests and gets one every `interval / max`. In any time t
 * it admits at most `burst + max × t / interval`.
 */
export class GcraRule implements RateRule<GcraState> {
  private readonly spacing: number;
  private readonly burst: number;

  constructor({ max, interval, burst }: Pick<RateRuleOptions, 'max' | 'interval' | 'burst'>) {
    this.spacing = interval / max;
    this.burst = burst;
  }

  begin(now: number): GcraState {
    return { due: now };
  }

  left(state: GcraState, now: number): number {
    const ahead = Math.max(0, state.due - now) / this.spacing;
    // Sums of spacings are not exact in binary: a result within a millionth below a whole number counts as that number.
    return Math.max(0, Math.floor(this.burst - ahead + 1e-6));
  }

  take(state: GcraState, count: number, now: number): void {
    state.due = Math.max(state.due, now) + count * this.spacing;
  }

  giveBack(state: GcraState, count: number): void {
    state.due -= count * this.spacing;
  }

  stampOf(): number {
    return 0;
  }

  validFor(): number {
    return Number.POSITIVE_INFINITY;
  }

  wait(state: GcraState, now: number): number {
    if (this.left(state, now) > 0) return 0;
    return state.due - now - (this.burst - 1) * this.spacing;
  }

  reset(state: GcraState, now: number): number {
    return Math.max(0, state.due - now);
  }
}
