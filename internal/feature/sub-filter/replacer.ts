/** Replaces text in a body that comes in pieces. The result does not depend on where the body is cut. */
export interface Replacer {
  /** Takes the next bytes. @returns all bytes that later ones cannot change any more; they may point into the given memory */
  push(bytes: Buffer): Buffer;
  /** The body is complete: gives the rest. */
  end(): Buffer;
}

export const EMPTY: Buffer = Buffer.alloc(0);

/** The bytes of two buffers; copies nothing if one is empty. */
export function joined(first: Buffer, second: Buffer): Buffer {
  if (first.length === 0) return second;
  return second.length === 0 ? first : Buffer.concat([first, second]);
}

/** The bytes of all parts; copies nothing if there is one part. */
export function allOf(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}
