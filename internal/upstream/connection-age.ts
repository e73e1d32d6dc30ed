import type { Deadlines } from '../base/index.ts';

/**
 * A connection is used no longer than this, give or take JITTER_SHARE, so that an upstream whose address has changed is
 * followed, and one that was added gets its share. The jitter keeps those that were opened together from ending together.
 */
const MAX_AGE_MS = 600_000;
const JITTER_SHARE = 0.1;

/** When a connection that is opened now has been used for long enough, on the clock of the deadlines. */
export function retiresAt(deadlines: Deadlines): number {
  return deadlines.now + MAX_AGE_MS * (1 + JITTER_SHARE * (2 * Math.random() - 1));
}
