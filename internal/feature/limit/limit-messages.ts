import type { RateRuleOptions } from './rate-rule.ts';

/** The topic of the control line on which workers ask for admissions, and give back what they do not need. */
export const LIMIT_TOPIC = 'limit';

/** What is counted, and up to which number. */
export type CountRule = RateCountRule | InflightCountRule;

/** Requests in a time. */
export interface RateCountRule extends RateRuleOptions {
  readonly type: 'rate';
}

/** Requests under way at a time. */
export interface InflightCountRule {
  readonly type: 'inflight';
  /** 1 or more. */
  readonly max: number;
}

/** A worker asks for admissions of one key. */
export interface LimitAsk {
  /** Name and settings of the plugin: the same id is the same count, in all workers and generations. */
  readonly id: string;
  readonly rule: CountRule;
  readonly key: string;
  /** For requests that wait now, 1 or more. */
  readonly want: number;
  /** For requests that are expected soon. */
  readonly ahead: number;
}

/** What the supervisor grants. */
export interface LimitGrant {
  /** Of `want` and `ahead` together. */
  readonly granted: number;
  /** How many more could be admitted. */
  readonly left: number;
  /** Milliseconds until another one may be admitted; 0 when one may be now. */
  readonly waitMs: number;
  /** Milliseconds until nothing is used up any more, if no request comes. */
  readonly resetMs: number;
  /** Milliseconds for which what was granted may be used. */
  readonly validMs: number;
  /** Goes back with what was not used. */
  readonly stamp: number;
}

/** A worker gives back admissions that it did not use, or that are over. */
export interface LimitReturn {
  readonly key: string;
  readonly count: number;
  readonly stamp: number;
}

/** What a worker gives back of one plugin. */
export interface LimitReturns {
  readonly id: string;
  readonly returns: readonly LimitReturn[];
}
