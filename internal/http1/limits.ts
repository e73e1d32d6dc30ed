/** Bounds on the head of a message. Sizes are bytes. */
export interface HeadLimits {
  /** Start line and field lines together, the empty line included. */
  readonly maxHeaderBytes: number;
  /** Field lines. */
  readonly maxHeaders: number;
  /** The request target alone. Not used for responses. */
  readonly maxTargetBytes: number;
}

/** 32 KiB hold the largest heads that browsers send (cookies), and no more than one read. */
export const DEFAULT_MAX_HEADER_BYTES = 32_768;

/** Browsers send about 20 fields; every further one costs each hop work. */
export const DEFAULT_MAX_HEADERS = 128;

/** RFC 9112 §3 asks recipients to take 8000 octets of request line. */
export const DEFAULT_MAX_TARGET_BYTES = 8192;

/** The longest registered method has 17 bytes (UPDATEREDIRECTREF); a longer token is not a method that anybody routes. */
export const MAX_METHOD_BYTES = 32;

/** Extensions of one chunk, which prox reads over: nobody needs long ones. */
export const MAX_CHUNK_HEAD_BYTES = 256;

/**
 * Extensions of all chunks of one body together: without this bound, a body of one-byte chunks with extensions makes
 * a proxy read 256 times what it forwards.
 */
export const MAX_CHUNK_EXTENSION_BYTES = 16_384;

/** 13 hexadecimal digits stay below 2^53, where a number still counts exactly. */
export const MAX_CHUNK_SIZE_DIGITS = 13;

/** Bounds on a trailer section, which few messages have and nobody routes by. */
export const TRAILER_LIMITS: HeadLimits = { maxHeaderBytes: 8192, maxHeaders: 64, maxTargetBytes: 0 };

export const DEFAULT_HEAD_LIMITS: HeadLimits = {
  maxHeaderBytes: DEFAULT_MAX_HEADER_BYTES,
  maxHeaders: DEFAULT_MAX_HEADERS,
  maxTargetBytes: DEFAULT_MAX_TARGET_BYTES,
};
