/** What tells one state of a representation from another (RFC 9110 §8.8). */
export interface Validators {
  /** A strong entity tag, with its quotes. */
  readonly etag: string;
  /** When the representation changed, in milliseconds, whole seconds; null when nobody knows. */
  readonly lastModified: number | null;
}

/** What validators are made from: the BigIntStats of a file. */
export interface FileState {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
}

/** Whether two looks at a path have seen the same file, and the file unchanged, as far as its times tell. */
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
 * Times up to the end of 1980-01-01 are no times: reproducible builds and archives write 0, 1 or 1980-01-01 into
 * every file, so that two releases of a page can agree in both size and time.
 */
const FIRST_REAL_TIME_NS = 315_619_200_000_000_000n;

/**
 * The validators of a file in one of its codings. Size and time of modification, in nanoseconds, make the tag, so that machines
 * which serve copies of one release agree on it. A file without a real time of modification gets a tag that holds
 * on this machine alone, and no Last-Modified.
 * @param coding the content coding, or empty: each coding is a representation with a tag of its own (RFC 9110 §8.8.3.3)
 * @param now milliseconds: a Last-Modified may not lie in the future (RFC 9110 §8.8.2.1)
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
