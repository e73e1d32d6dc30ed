/*
 * RFC 3986 §6.2.2 for the path of a request, so that no spelling of a path walks around a route:
 *
 *   §6.2.2.2  percent-encodings of unreserved characters are decoded: `%61` is `a`, `%2e` is `.`
 *   §6.2.2.1  the hex digits of the others are upper case: `%2f` is `%2F`, and never becomes a `/`
 *   §6.2.2.3  dot segments are removed (§5.2.4), after the decoding, so that `%2e%2e` acts as `..`
 *
 * What may not stand in a path as itself (RFC 3986 §3.3) is percent-encoded, so that a `|` or a byte beyond ASCII that a
 * client sends plainly is the same as its encoding. A backslash is one of these: `%5C`, and never a separator.
 *
 * Deliberately left alone: empty segments (`//` is a path of its own, and merging would change what the upstream sees),
 * reserved characters (`@` and `%40` differ, §2.2) and `%00` (it stays encoded; the serve action refuses it).
 */

const PERCENT = 37;
const DOT = 46;
const SLASH = 47;
const LAST_BYTE = 0xff;

/** 1 for what stands in a path as itself, RFC 3986 §3.3: `/` and pchar, but not the `%`. */
const PLAIN = new Uint8Array(LAST_BYTE + 1);
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/")
  PLAIN[c.charCodeAt(0)] = 1;

const HEX_UPPER = '0123456789ABCDEF';

/**
 * The normalised form of a path (without the query), or null when it is malformed and the request is a 400: a `%` that
 * two hex digits do not follow, a character that is no byte, or no leading `/`. The empty path is `/` (RFC 3986
 * §6.2.3), and `*` (the asterisk-form, RFC 9112 §3.2.4) stays.
 *
 * Idempotent; a path that is normal already is returned as the same string after one scan. `path` holds one byte a
 * character.
 */
export function normalizePath(path: string): string | null {
  if (path.charCodeAt(0) !== SLASH) return path === '' ? '/' : path === '*' ? path : null;
  let previous = 0;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (PLAIN[c] !== 1 || (c === DOT && previous === SLASH)) return normalizeSlowly(path, i);
    previous = c;
  }
  return path;
}

/** `from` is the first place where anything may have to be done. */
function normalizeSlowly(path: string, from: number): string | null {
  const encoded = normalizeEncoding(path, from);
  if (encoded === null || encoded.indexOf('/.') < 0) return encoded;
  return removeDotSegments(encoded);
}

function normalizeEncoding(path: string, from: number): string | null {
  let out = '';
  let copied = 0;
  for (let i = from; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c > LAST_BYTE) return null;
    if (c === PERCENT) {
      const high = hexValue(path.charCodeAt(i + 1));
      const low = hexValue(path.charCodeAt(i + 2));
      if (high < 0 || low < 0) return null;
      const byte = high * 16 + low;
      out += path.slice(copied, i) + (isUnreserved(byte) ? String.fromCharCode(byte) : encode(byte));
      i += 2;
      copied = i + 1;
    } else if (PLAIN[c] !== 1) {
      out += path.slice(copied, i) + encode(c);
      copied = i + 1;
    }
  }
  return copied === 0 ? path : out + path.slice(copied);
}

function encode(byte: number): string {
  return `%${HEX_UPPER[byte >> 4]}${HEX_UPPER[byte & 15]}`;
}

/** NaN, which charCodeAt gives behind the end, is no digit. */
function hexValue(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const lower = c | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** RFC 3986 §2.3: ALPHA / DIGIT / "-" / "." / "_" / "~". */
function isUnreserved(c: number): boolean {
  const lower = c | 32;
  if (c < 128 && lower >= 97 && lower <= 122) return true;
  return (c >= 48 && c <= 57) || c === 45 || c === DOT || c === 95 || c === 126;
}

/** RFC 3986 §5.2.4 for a path that begins with `/`. */
function removeDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split('/');
  const last = segments.length - 1;
  for (let i = 1; i <= last; i++) {
    const segment = segments[i];
    if (segment === '.' || segment === '..') {
      if (segment === '..') kept.pop();
      // `/a/.` is `/a/` and `/a/b/..` is `/a/`: the slash before a last dot segment stays.
      if (i === last) kept.push('');
    } else {
      kept.push(segment);
    }
  }
  return `/${kept.join('/')}`;
}
