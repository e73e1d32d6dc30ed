/** Idempotent methods, whose requests may be sent twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * How often a request is sent again if the upstream has not processed it. A server that shuts down refuses once; a
 * server that refuses several times is overloaded.
 */
const MAX_REFUSALS = 3;

/**
 * How often filters may ask for another attempt. A response that is bad three times will most likely be bad a fourth
 * time.
 */
const MAX_OF_FILTERS = 3;

/**
 * Whether a request with that method may be sent again although an upstream may have processed it (RFC 9110 §9.2.2).
 */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

/** How often a request was sent again, and for which reasons. */
export class Retries {
  /** Whether the request was already sent again after a failure that a stale connection may have caused. */
  afterOldConnection = false;
  private refusals = 0;
  private ofFilters = 0;

  /** @returns whether the request may be sent again, because the upstream has said that it has not processed it */
  takeRefusal(): boolean {
    return this.refusals++ < MAX_REFUSALS;
  }

  /** @returns whether the request may be sent again on another connection */
  takeOldConnection(): boolean {
    if (this.afterOldConnection) return false;
    this.afterOldConnection = true;
    return true;
  }

  /** @returns whether the request may be sent again, because a filter wants another response */
  takeFilterRetry(): boolean {
    return this.ofFilters++ < MAX_OF_FILTERS;
  }
}
