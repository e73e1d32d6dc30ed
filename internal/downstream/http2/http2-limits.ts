/** Error codes of frames (RFC 9113 §7) that prox sends. */
export const ErrorCode = { noError: 0, protocolError: 1, internalError: 2, cancel: 8, enhanceYourCalm: 11 } as const;

/** Streams that a client may have open: what nginx allows, and more than browsers use. */
export const MAX_STREAMS = 128;

/**
 * Streams that a client may reset, or make prox reset, in a second. A browser that leaves a page cancels some dozens at once;
 * an attacker (CVE-2023-44487, CVE-2025-8671) resets tens of thousands.
 */
export const MAX_RESETS_PER_SECOND = 200;

/** PING frames in a second. gRPC sends one for each round trip to measure it, on one machine thousands in a second. */
export const MAX_PINGS_PER_SECOND = 10_000;

/** SETTINGS frames in a second. Clients send one at the start, and rarely another. */
export const MAX_SETTINGS_PER_SECOND = 50;

/** Interim responses that may wait for a client that does not read. Further ones are dropped. */
export const MAX_QUEUED_INTERIM = 32;

/** Bytes of a field line of HTTP/1.1 without its name and value: `: ` and CRLF. */
export const LINE_BYTES = 4;

/** Checks of a connection's streams within one stall_timeout. A stall may be noticed late by one interval between checks. */
export const LOOKS_A_STALL = 4;

/**
 * A stream without progress on a connection with progress gets so many times stall_timeout. Many streams may share a slow
 * line, and progress of a stream is visible only when a whole piece has left.
 */
export const PATIENCE_WHILE_OTHERS_MOVE = 4;
