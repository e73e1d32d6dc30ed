import type { RateRuleOptions } from './rate-rule.ts';

/** The topic of the control line on which workers ask for admissions and give them back. */
export const LIMIT_TOPIC = 'limit';

/** The kind of count and its limit. */
export type CountRule = RateCountRule | InflightCountRule;

/** Limits requests in a time. */
export interface RateCountRule extends RateRuleOptions {
  readonly type: 'rate';
}

/** Limits concurrent requests. */
export interface InflightCountRule {
  readonly type: 'inflight';
  /** 1 or more. */
  readonly max: number;
}

/** A worker asks for admissions of one key. */
export interface LimitAsk {
  /** Name and settings of the plugin. The same id means the same count in all workers and generations. */
  readonly id: string;
  readonly rule: CountRule;
  readonly key: string;
  /** For requests that wait now, 1 or more. */
  readonly want: number;
  /** For requests that are expected soon. */
  readonly ahead: number;
}

/** The answer of the supervisor. */
export interface LimitGrant {
  /** Admissions, of `want` and `ahead` together. */
  readonly granted: number;
  /** Admissions that are still free after the grant. */
  readonly left: number;
  /** Milliseconds until another request may be admitted; 0 if one may be admitted now. */
  readonly waitMs: number;
  /** Milliseconds until the whole limit is free again, if no request comes. */
  readonly resetMs: number;
  /** Milliseconds in which the granted admissions may be used. */
  readonly validMs: number;
  /** The worker sends this number with admissions that it gives back. */
  readonly stamp: number;
}

/** A worker gives back admissions that it has not used, or whose requests are over. */
export interface LimitReturn {
  readonly key: string;
  readonly count: number;
  readonly stamp: number;
}

/** All that a worker gives back for one plugin. */
export interface LimitReturns {
  readonly id: string;
  readonly returns: readonly LimitReturn[];
}
