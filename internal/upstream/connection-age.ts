import type { Deadlines } from '../base/index.ts';

/**
 * Milliseconds that a connection is used at most, with a deviation of up to JITTER_SHARE. So prox follows a change of an
 * upstream's address, and new upstreams get their share. With the jitter, connections that were opened together do not end
 * together.
 */
const MAX_AGE_MS = 600_000;
const JITTER_SHARE = 0.1;

/** The time after which a connection that is opened now is not used any more, on the clock of the deadlines. */
export function retiresAt(deadlines: Deadlines): number {
  return deadlines.now + MAX_AGE_MS * (1 + JITTER_SHARE * (2 * Math.random() - 1));
}
