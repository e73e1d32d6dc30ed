/** Values that distinguish the states of a representation (RFC 9110 §8.8). */
export interface Validators {
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  /** Time of the last change in milliseconds, whole seconds; null if unknown. */
  readonly lastModified: number | null;
}

/** The values from which validators are made: the BigIntStats of a file. */
export interface FileState {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
}

/** Whether two checks of a path have found the same file, unchanged as far as its times show. */
export function isSameState(one: FileState, other: FileState): boolean {
  return (
    one.mtimeNs === other.mtimeNs &&
    one.ctimeNs === other.ctimeNs &&
    one.size === other.size &&
    one.ino === other.ino &&
    one.dev === other.dev
  );
}

/**
 * Times up to the end of 1980-01-01 are not real: reproducible builds and archives write 0, 1 or 1980-01-01 into every
 * file, so two releases of a page can have the same size and time.
 */
const FIRST_REAL_TIME_NS = 315_619_200_000_000_000n;

/**
 * The validators of a file in one of its codings. The tag is made from the size and the modification time in
 * nanoseconds, so that machines which serve copies of one release have the same tag. A file without a real modification
 * time gets a tag that is valid on this machine only, and no Last-Modified.
 * @param coding the content coding, or empty: each coding is a representation with a tag of its own (RFC 9110 §8.8.3.3)
 * @param now milliseconds: a Last-Modified must not be in the future (RFC 9110 §8.8.2.1)
 */
export function validatorsOf(file: FileState, coding: string, now: number): Validators {
  const suffix = coding === '' ? '' : `-${coding}`;
  const size = file.size.toString(16);
  if (file.mtimeNs < FIRST_REAL_TIME_NS) {
    return { etag: `"${size}-${file.ino.toString(16)}-${file.ctimeNs.toString(16)}${suffix}"`, lastModified: null };
  }
  const modified = Number(file.mtimeNs / 1_000_000_000n) * 1000;
  return {
    etag: `"${size}-${file.mtimeNs.toString(16)}${suffix}"`,
    lastModified: Math.min(modified, now - (now % 1000)),
  };
}
