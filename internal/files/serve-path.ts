/** The path below a root that corresponds to a request path. */
export interface FilePath {
  /** Names joined with `/`, none of them empty, `.` or `..`; empty for the root itself. */
  readonly relative: string;
  /** Whether the path names a folder, because it is empty or ends with a slash. */
  readonly folder: boolean;
}

/**
 * Characters that a name must not contain: other separators, control characters (NUL ends a path), and anything that is
 * not a byte of a URI.
 */
const FORBIDDEN_RAW = /[^\x21-\x7e]/;
const FORBIDDEN = /[\x00-\x1f\x7f/\\]/;

/** Paths that need no decoding and contain no hidden name: most paths. */
const PLAIN = /^[\w~-][\w.~-]*(?:\/[\w~-][\w.~-]*)*$/;

/**
 * Maps the rest of a request path, without the prefix of the route and a leading slash, to a path below a root. Returns
 * null if there can be nothing to serve. The path is understood exactly as routes have understood it: this function
 * merges and resolves nothing. It is pure, and safe for any string:
 *
 * - Percent-encodings are decoded once, as UTF-8. Text that is not UTF-8, such as an overlong `.`, maps to nothing.
 * - `.` and `..` map to nothing, encoded or not; a path in match form has none.
 * - An encoded `/`, a backslash and control characters map to nothing.
 * - Hidden names, which begin with a dot (`.git`, `.env`, `.htpasswd`), map to nothing; `.well-known` (RFC 8615) as the
 *   first name is allowed.
 * - Empty segments map to nothing. A path in match form has none, unless `merge_slashes` is off, and then they have a
 *   meaning.
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
    // The encoding is not hexadecimal, or the text is not UTF-8.
    return null;
  }
}
