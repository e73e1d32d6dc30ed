/**
 * When things happened in an exchange: milliseconds of `performance.now()`, or of the upstream as durations. They
 * are taken only where an access log wants them.
 */
export interface ExchangeTimes {
  /** Whether anybody will look at the times. */
  readonly wanted: boolean;
  /** Address of the upstream that answered last, or null. */
  upstreamAddress: string | null;
  /** Milliseconds that connecting took; 0 on a reused connection, null without an upstream. */
  upstreamConnect: number | null;
  /** Milliseconds from the request being sent to the response head. */
  upstreamResponse: number | null;
}
