/** Methods whose requests may be sent twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * How often a request is sent again that the upstream did not look at: a server that goes away refuses once, and one that
 * refuses again and again is full.
 */
const MAX_REFUSALS = 3;

/** How often filters may ask for another attempt: a response that is bad three times will be so a fourth time. */
const MAX_OF_FILTERS = 3;

/** Whether a request with that method may be sent again though an upstream may have looked at it (RFC 9110 §9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** How often a request was sent again, and for which reasons. */
export class Retries {
  /** Once after a failure that may have been that of a connection which had grown old. */
  afterOldConnection = false;
  private refusals = 0;
  private ofFilters = 0;

  /** @returns whether the request may be sent again, as the upstream has said that it did not look at it */
  takeRefusal(): boolean {
    return this.refusals++ < MAX_REFUSALS;
  }

  /** @returns whether the request may be sent again, on another connection */
  takeOldConnection(): boolean {
    if (this.afterOldConnection) return false;
    this.afterOldConnection = true;
    return true;
  }

  /** @returns whether the request may be sent again, as a filter wants another response */
  takeFilterRetry(): boolean {
    return this.ofFilters++ < MAX_OF_FILTERS;
  }
}
