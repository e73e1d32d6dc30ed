/** Replaces text in a body that comes in pieces. What comes out does not depend on where the body was cut. */
export interface Replacer {
  /** Takes the next bytes, and gives all that later bytes cannot change any more. They may be part of those that were given. */
  push(bytes: Buffer): Buffer;
  /** The body is complete: gives the rest. */
  end(): Buffer;
}

export const EMPTY: Buffer = Buffer.alloc(0);

/** The bytes of two buffers; one that is empty costs nothing. */
export function joined(first: Buffer, second: Buffer): Buffer {
  if (first.length === 0) return second;
  return second.length === 0 ? first : Buffer.concat([first, second]);
}

/** The bytes of all parts; a single part costs nothing. */
export function allOf(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}
