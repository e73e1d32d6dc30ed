/** The result for a request. */
export const Claim = {
  refused: 0,
  admitted: 1,
  /** Only the supervisor can decide. */
  unknown: 2,
  /** Admitted without being counted, as the supervisor does not answer. */
  uncounted: 3,
} as const;
export type Claim = (typeof Claim)[keyof typeof Claim];

/** A request that waits for the supervisor. */
export interface Waiter {
  readonly resolve: (claim: Claim) => void;
  readonly signal: AbortSignal;
}

/** The state of one key of a limit in a worker. Times are of the worker's clock. */
export class KeyLease {
  readonly key: string;
  /** Admissions that the worker may give without asking, until `heldUntil`. */
  held = 0;
  heldUntil = 0;
  /** Requests are refused until this time. */
  refusedUntil = 0;
  /** See LimitGrant: as of the last grant. */
  left = 0;
  stamp = 0;
  /** When another request may be admitted, and when the whole limit is free again. */
  freeAt = 0;
  resetAt = 0;
  grantedAt = Number.NEGATIVE_INFINITY;
  /** Admissions that the last ask requested ahead. */
  ahead = 0;
  asking = false;
  /** Requests that wait for an answer, the longest-waiting first. */
  readonly waiters: Waiter[] = [];

  constructor(key: string) {
    this.key = key;
  }
}
