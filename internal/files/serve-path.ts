/** Where below a root a request path leads. */
export interface FilePath {
  /** Names joined with `/`, none of them empty, `.` or `..`; empty for the root itself. */
  readonly relative: string;
  /** The path ends with a slash or is empty: it names a folder. */
  readonly folder: boolean;
}

/** What a name may not hold: other separators, control characters (NUL ends a path), and what is no byte of a URI. */
const FORBIDDEN_RAW = /[^\x21-\x7e]/;
const FORBIDDEN = /[\x00-\x1f\x7f/\\]/;

/** Paths whose names are file names as they stand, and none of them hidden: most. */
const PLAIN = /^[\w~-][\w.~-]*(?:\/[\w~-][\w.~-]*)*$/;

/**
 * Maps what is left of a request path, the route's prefix and a leading slash stripped, to a path below a root; null when
 * there can be nothing to serve. What it maps is read as routes have read it: nothing is merged or resolved behind their
 * back. Pure, and safe for any string:
 *
 * - percent-encodings are decoded once, as UTF-8; what is not UTF-8, such as an overlong `.`, maps to nothing
 * - `.` and `..` map to nothing, encoded or not: a path in match form holds none
 * - a `/` that was encoded, a backslash and control characters map to nothing
 * - hidden names, those with a leading dot (`.git`, `.env`, `.htpasswd`), map to nothing, but `.well-known`
 *   (RFC 8615) as the first name is served
 * - empty segments map to nothing: a path in match form holds none, unless `merge_slashes` is off, and then they mean
 *   something
 */
export function mapPath(path: string): FilePath | null {
  if (PLAIN.test(path)) return { relative: path, folder: false };
  if (path === '') return { relative: '', folder: true };
  if (FORBIDDEN_RAW.test(path)) return null;
  const names: string[] = [];
  const folder = path.endsWith('/');
  for (const segment of (folder ? path.slice(0, -1) : path).split('/')) {
    const name = segment.includes('%') ? decode(segment) : segment;
    if (name === null || name === '' || FORBIDDEN.test(name)) return null;
    if (name.startsWith('.') && !(name === '.well-known' && names.length === 0)) return null;
    names.push(name);
  }
  return { relative: names.join('/'), folder };
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not hexadecimal, or not UTF-8.
    return null;
  }
}
