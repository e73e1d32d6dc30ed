import { GcraRule } from './gcra-rule.ts';
import type { CountRule, LimitAsk, LimitGrant, LimitReturn } from './limit-messages.ts';
import type { RateRule, RateRuleOptions } from './rate-rule.ts';
import { WindowRule } from './window-rule.ts';

/** The counts of one plugin, by key. */
export interface KeyCounts {
  /** Number of keys in memory. */
  readonly size: number;
  take(worker: number, ask: LimitAsk, now: number): LimitGrant;
  giveBack(worker: number, returned: LimitReturn, now: number): void;
  /** A worker has ended: frees the concurrent requests that it held. */
  gone(worker: number): void;
  /** Drops keys that have their whole limit free again. */
  sweep(now: number): void;
}

/**
 * Limit for the keys of a plugin with type rate. A new key then replaces the one that was seen longest ago. The keys take
 * about 16 MB.
 */
export const MAX_RATE_KEYS = 65_536;

/** Milliseconds after which a worker may ask again for a key with too many concurrent requests, as their end is not known. */
const INFLIGHT_WAIT = 10;

export function keyCounts(rule: CountRule): KeyCounts {
  return rule.type === 'inflight' ? new InflightCounts(rule.max) : new RateCounts(rateRule(rule));
}

/** The rule of an algorithm. */
export function rateRule(options: RateRuleOptions): RateRule<unknown> {
  return options.algorithm === 'gcra' ? new GcraRule(options) : new WindowRule(options);
}

/** Counts requests in a time. Admissions that a worker holds when it ends count as used, as it may have used them. */
class RateCounts implements KeyCounts {
  private readonly rule: RateRule<unknown>;
  /** States by key, in the order of last use. */
  private readonly states = new Map<string, unknown>();

  constructor(rule: RateRule<unknown>) {
    this.rule = rule;
  }

  get size(): number {
    return this.states.size;
  }

  take(_worker: number, { key, want, ahead }: LimitAsk, now: number): LimitGrant {
    const { rule } = this;
    const state = this.states.get(key) ?? rule.begin(now);
    this.states.delete(key);
    this.states.set(key, state);
    if (this.states.size > MAX_RATE_KEYS) this.forgetOldest();
    const granted = Math.min(want + ahead, rule.left(state, now));
    rule.take(state, granted, now);
    return {
      granted,
      left: rule.left(state, now),
      waitMs: rule.wait(state, now),
      resetMs: rule.reset(state, now),
      validMs: rule.validFor(state, now),
      stamp: rule.stampOf(state, now),
    };
  }

  giveBack(_worker: number, { key, count, stamp }: LimitReturn, now: number): void {
    const state = this.states.get(key);
    if (state !== undefined) this.rule.giveBack(state, count, stamp, now);
  }

  gone(): void {}

  sweep(now: number): void {
    for (const [key, state] of this.states) {
      // All following keys were used later.
      if (this.rule.reset(state, now) > 0) return;
      this.states.delete(key);
    }
  }

  private forgetOldest(): void {
    for (const key of this.states.keys()) {
      this.states.delete(key);
      return;
    }
  }
}

/** Counts concurrent requests. A key stays in memory as long as a worker holds an admission of it. */
class InflightCounts implements KeyCounts {
  private readonly max: number;
  private readonly keys = new Map<string, { total: number; readonly held: Map<number, number> }>();

  constructor(max: number) {
    this.max = max;
  }

  get size(): number {
    return this.keys.size;
  }

  take(worker: number, { key, want, ahead }: LimitAsk): LimitGrant {
    const counts = this.keys.get(key) ?? { total: 0, held: new Map<number, number>() };
    const granted = Math.min(want + ahead, Math.max(0, this.max - counts.total));
    if (granted > 0) {
      counts.total += granted;
      counts.held.set(worker, (counts.held.get(worker) ?? 0) + granted);
      this.keys.set(key, counts);
    }
    const left = this.max - counts.total;
    const waitMs = left > 0 ? 0 : INFLIGHT_WAIT;
    return { granted, left, waitMs, resetMs: 0, validMs: Number.POSITIVE_INFINITY, stamp: 0 };
  }

  giveBack(worker: number, { key, count }: LimitReturn): void {
    const counts = this.keys.get(key);
    const held = counts?.held.get(worker) ?? 0;
    if (counts === undefined || held === 0) return;
    const freed = Math.min(held, count);
    counts.total -= freed;
    if (freed === held) counts.held.delete(worker);
    else counts.held.set(worker, held - freed);
    if (counts.total === 0) this.keys.delete(key);
  }

  gone(worker: number): void {
    for (const [key, counts] of this.keys) {
      counts.total -= counts.held.get(worker) ?? 0;
      counts.held.delete(worker);
      if (counts.total === 0) this.keys.delete(key);
    }
  }

  sweep(): void {}
}
