/** Bounds that apply to clients of every protocol. */

/** prox discards up to so many bytes of an unwanted body. It tells a client with more to stop (RFC 9112 §9.5, RFC 9113 §8.1). */
export const MAX_DISCARD_BYTES = 65_536;

/**
 * Milliseconds that prox continues to read a connection after its own last byte. Otherwise unread bytes would cause a reset,
 * and the client might not get the last answer (RFC 9112 §9.6).
 */
export const LINGER_MS = 2000;

/**
 * Milliseconds for the first bytes and the first request of a connection when the listener closes. Clients open a connection
 * when they have a request. Closing it at once would fail a request that is on its way, and clients do not retry a request
 * on a new connection.
 */
export const DRAINING_START_MS = 500;
