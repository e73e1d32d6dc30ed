/** What a field line counts beyond its name and value in SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 §6.5.2). */
export const LINE_OVERHEAD_BYTES = 32;

/**
 * Megabytes that node:http2 may count for a session: more than there are. It counts bytes of streams that were reset
 * while they had some to send, and never takes them off again; at the limit it refuses every stream without a word. What
 * a session holds is bounded otherwise: by its windows, and by what may wait to be sent on each of its streams.
 */
const SESSION_MEMORY_MB = 1_000_000;

/**
 * Options of node:http2 for sessions with clients and with upstreams.
 *
 * nghttp2 leaves out fields whose value begins or ends with white space (RFC 9113 §8.2.1), without a word. Told to let
 * them pass, it hands them on, and prox refuses the message. Node 20 does not know that option.
 */
export const HTTP2_OPTIONS: { readonly maxSessionMemory: number } = {
  maxSessionMemory: SESSION_MEMORY_MB,
  ...({ strictFieldWhitespaceValidation: false } as object),
};
