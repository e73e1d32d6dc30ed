/** What becomes of a request. */
export const Claim = {
  refused: 0,
  admitted: 1,
  /** The supervisor is to be asked. */
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

/** What a worker knows of one key of a limit. Times are of its own clock. */
export class KeyLease {
  readonly key: string;
  /** Admissions that it may give without asking, until `heldUntil`. */
  held = 0;
  heldUntil = 0;
  /** Requests are refused until then. */
  refusedUntil = 0;
  /** See LimitGrant: as of the last grant. */
  left = 0;
  stamp = 0;
  /** When another request may be admitted, and when nothing is used up any more. */
  freeAt = 0;
  resetAt = 0;
  grantedAt = Number.NEGATIVE_INFINITY;
  /** How many were asked for ahead last. */
  ahead = 0;
  asking = false;
  /** Requests that wait for an answer, the longest-waiting first. */
  readonly waiters: Waiter[] = [];

  constructor(key: string) {
    this.key = key;
  }
}
