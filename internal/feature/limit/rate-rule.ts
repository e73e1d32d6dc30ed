/**
 * Counts the requests of one key, as pure arithmetic. `S` is the state of a key; time is an argument, in milliseconds of a
 * monotonic clock. Only admitted requests count: a client that waits for the time of Retry-After is admitted, even if many
 * of its requests were refused before.
 */
export interface RateRule<S> {
  /** The state of a key before its first request. */
  begin(now: number): S;
  /** Number of requests that may be admitted now. */
  left(state: S, now: number): number;
  /** Admits requests. @param count at most `left` */
  take(state: S, count: number, now: number): void;
  /** Takes back unused admissions that were given when `stampOf` was `stamp`. */
  giveBack(state: S, count: number, stamp: number, now: number): void;
  /** A number for the window that admissions count in. */
  stampOf(state: S, now: number): number;
  /** Milliseconds in which admissions that are taken now may be used without exceeding the limit. */
  validFor(state: S, now: number): number;
  /** Milliseconds until another request may be admitted, if none is admitted before; 0 if one may be admitted now. */
  wait(state: S, now: number): number;
  /** Milliseconds until the whole limit is free again if no request comes. */
  reset(state: S, now: number): number;
}

/** The settings of a rate rule. */
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
