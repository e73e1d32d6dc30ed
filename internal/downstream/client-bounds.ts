/** Bounds on what prox does for a client, whatever protocol it speaks. */

/** An unwanted body is read over up to so many bytes. With more, the client is told to stop (RFC 9112 §9.5, RFC 9113 §8.1). */
export const MAX_DISCARD_BYTES = 65_536;

/**
 * Milliseconds that a connection is read on after prox has sent its last byte: the client gets the last answer before a
 * reset that its own unread bytes would cause (RFC 9112 §9.6).
 */
export const LINGER_MS = 2000;

/**
 * Milliseconds for the first bytes and the first request of a connection when the listener goes away. Clients open a
 * connection as they have a request: to close it at once would fail one that is on its way, and on a new connection
 * clients do not try again.
 */
export const DRAINING_START_MS = 500;
