import type { SessionSlot } from './session-host.ts';

/**
 * Milliseconds that a connection stays open for a request when the listener goes away. One that was on its way is
 * answered, with `Connection: close` (RFC 9112 §9.6); closed at once, the client would have to guess what became of it.
 */
const DRAINING_IDLE_MS = 500;

/** Milliseconds that a connection without a request is kept, idle_timeout as long as its listener stays; 0 is for ever. */
export function idleTime(slot: SessionSlot): number {
  return slot.draining ? DRAINING_IDLE_MS : slot.current.limits.idleTimeout;
}
