import type { ServerSessionOptions } from 'node:http2';
import type { ServiceLimits } from '../../config/index.ts';

/** Error codes of frames (RFC 9113 §7) that prox sends. */
export const ErrorCode = { noError: 0, protocolError: 1, internalError: 2, cancel: 8, enhanceYourCalm: 11 } as const;

/** Streams that a client may have open: what nginx allows, and more than browsers use. */
export const MAX_STREAMS = 128;

/**
 * Megabytes that node:http2 may count for a session: more than there are. It counts bytes of streams that were reset
 * while they had some to send, and never takes them off again; at the limit it refuses every stream without a word. What
 * a client can make prox hold is bounded by the heads, the windows and the unsent output of MAX_STREAMS streams.
 */
const SESSION_MEMORY_MB = 1_000_000;

/** Pseudo-fields of a request, with that of RFC 8441. */
const PSEUDO_FIELDS = 5;

/** What a field line counts beyond its name and value in SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 §6.5.2). */
const LINE_OVERHEAD_BYTES = 32;

/**
 * Streams that a client may reset, or make prox reset, in a second: a browser that leaves a page cancels some dozens at
 * once, an attacker (CVE-2023-44487, CVE-2025-8671) sends tens of thousands.
 */
export const MAX_RESETS_PER_SECOND = 200;

/** PING frames in a second: gRPC measures with one for each round trip, which on one machine are thousands. */
export const MAX_PINGS_PER_SECOND = 10_000;

/** SETTINGS frames in a second: clients send one, and another when they change their mind. */
export const MAX_SETTINGS_PER_SECOND = 50;

/** Malformed frames and empty DATA frames in the life of a connection: some libraries send an empty one now and then. */
const MAX_INVALID_FRAMES = 1000;

/** Streams beyond MAX_STREAMS that are refused in the life of a connection, before it is taken for an attack. */
const MAX_REJECTED_STREAMS = 1000;

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

/**
 * nghttp2 leaves out fields whose value begins or ends with white space (RFC 9113 §8.2.1), without a word. Told to let them
 * pass, it hands them on, and prox refuses the message. Node 20 does not know the option.
 */
const SEEN_WHITE_SPACE: object = { strictFieldWhitespaceValidation: false };

/** What node:http2 is told of the limits. */
export function sessionOptions(limits: ServiceLimits): ServerSessionOptions {
  const { maxHeaderBytes, maxHeaders } = limits;
  // Twice what is accepted: what is just too large gets a 431, what is far too large a RST_STREAM.
  const maxHeaderListSize = 2 * (maxHeaderBytes + LINE_OVERHEAD_BYTES * (maxHeaders + PSEUDO_FIELDS));
  return {
    maxSessionMemory: SESSION_MEMORY_MB,
    ...SEEN_WHITE_SPACE,
    // As many as fit: the size alone decides, so that too many get a 431, and no RST_STREAM.
    maxHeaderListPairs: Math.ceil(maxHeaderListSize / LINE_OVERHEAD_BYTES),
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
    settings: {
      enableConnectProtocol: true,
      enablePush: false,
      initialWindowSize: limits.h2StreamWindow,
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize,
    },
  };
}
