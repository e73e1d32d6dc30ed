/**
 * How requests of one key are counted, as pure arithmetic: `S` is what is remembered of a key, and time comes in as an
 * argument, in milliseconds of a monotonic clock. Only admitted requests count, so that a client that waits as long as it
 * was told to is admitted, however often it had asked before.
 */
export interface RateRule<S> {
  /** What is remembered of a key at its first request. */
  begin(now: number): S;
  /** How many requests may be admitted now. */
  left(state: S, now: number): number;
  /** Admits so many, which must be left. */
  take(state: S, count: number, now: number): void;
  /** Takes admissions back that were not used, and that were taken when `stampOf` was `stamp`. */
  giveBack(state: S, count: number, stamp: number, now: number): void;
  /** Tells admissions apart that count in different windows. */
  stampOf(state: S, now: number): number;
  /** Milliseconds for which admissions that are taken now may be used without harm to the limit. */
  validFor(state: S, now: number): number;
  /** Milliseconds until another request may be admitted if none is meanwhile; 0 when one may be now. */
  wait(state: S, now: number): number;
  /** Milliseconds until the whole limit is free again if no request comes. */
  reset(state: S, now: number): number;
}

/** What a rule of rates is made from. */
export interface RateRuleOptions {
  readonly algorithm: 'window' | 'gcra';
  /** Requests in an interval, 1 or more. */
  readonly max: number;
  /** Milliseconds, above 0. */
  readonly interval: number;
  /** Requests at once, 1 or more; only for `gcra`. */
  readonly burst: number;
  /** 0 to 100, of the running window; only for `window`. */
  readonly weight: number;
}
