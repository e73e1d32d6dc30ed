/** Bounds on the head of a message. Sizes are bytes. */
export interface HeadLimits {
  /** Start line and field lines together, the empty line included. */
  readonly maxHeaderBytes: number;
  /** Field lines. */
  readonly maxHeaders: number;
  /** The request target alone. Not used for responses. */
  readonly maxTargetBytes: number;
}

/** 32 KiB: the largest heads that browsers send (with cookies) fit, and a head needs no more than one read. */
export const DEFAULT_MAX_HEADER_BYTES = 32_768;

/** Browsers send about 20 fields; every further one is work for each hop. */
export const DEFAULT_MAX_HEADERS = 128;

/** RFC 9112 §3 asks recipients to take 8000 octets of request line. */
export const DEFAULT_MAX_TARGET_BYTES = 8192;

/** The longest registered method has 17 bytes (UPDATEREDIRECTREF). The limit leaves room for private methods. */
export const MAX_METHOD_BYTES = 32;

/** Bytes of the extensions of one chunk, which prox skips. Known uses are short. */
export const MAX_CHUNK_HEAD_BYTES = 256;

/**
 * Bytes of the extensions of all chunks of a body. Without this bound, a body of one-byte chunks with extensions would make
 * the proxy read 256 times as many bytes as it forwards.
 */
export const MAX_CHUNK_EXTENSION_BYTES = 16_384;

/** 13 hexadecimal digits stay below 2^53, the range in which numbers are exact. */
export const MAX_CHUNK_SIZE_DIGITS = 13;

/** Bounds on a trailer section. Few messages have one, and its fields are few. */
export const TRAILER_LIMITS: HeadLimits = { maxHeaderBytes: 8192, maxHeaders: 64, maxTargetBytes: 0 };

export const DEFAULT_HEAD_LIMITS: HeadLimits = {
  maxHeaderBytes: DEFAULT_MAX_HEADER_BYTES,
  maxHeaders: DEFAULT_MAX_HEADERS,
  maxTargetBytes: DEFAULT_MAX_TARGET_BYTES,
};
