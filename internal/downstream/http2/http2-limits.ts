/** Error codes of frames (RFC 9113 §7) that prox sends. */
export const ErrorCode = { noError: 0, protocolError: 1, internalError: 2, cancel: 8, enhanceYourCalm: 11 } as const;

/** Streams that a client may have open: what nginx allows, and more than browsers use. */
export const MAX_STREAMS = 128;

/**
 * Streams that a client may reset, or make prox reset, in a second: a browser that leaves a page cancels some dozens at
 * once, an attacker (CVE-2023-44487, CVE-2025-8671) sends tens of thousands.
 */
export const MAX_RESETS_PER_SECOND = 200;

/** PING frames in a second: gRPC measures with one for each round trip, which on one machine are thousands. */
export const MAX_PINGS_PER_SECOND = 10_000;

/** SETTINGS frames in a second: clients send one, and another when they change their mind. */
export const MAX_SETTINGS_PER_SECOND = 50;

/** Interim responses that wait for a client which does not read: what comes beyond is left out. */
export const MAX_QUEUED_INTERIM = 32;

/** Bytes of a field line beside its name and its value, as it would stand in HTTP/1.1: `: ` and CRLF. */
export const LINE_BYTES = 4;

/** Looks at the streams of a connection within one stall_timeout: so much later than due a stall may be noticed. */
export const LOOKS_A_STALL = 4;

/**
 * A stream that moves nothing while its connection does has so many times stall_timeout: many streams share a slow line,
 * and what one of them has got is seen only when all of a piece has left.
 */
export const PATIENCE_WHILE_OTHERS_MOVE = 4;
