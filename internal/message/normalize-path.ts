/*
 * The two forms of a request path. Routes match the first, upstreams get the second.
 *
 * Match form, the most decoded one. An upstream may merge slashes, decode once and resolve dot segments, in any order:
 * from the path that it gets, it arrives at this form. So no spelling bypasses a route.
 *
 * 1. Percent-encodings of characters that may occur unencoded in a path are decoded: `%61` is `a`, `%40` is `@` (RFC
 *   3986 §6.2.2.2).
 * 2. `%2F`, `%5C` and a plain backslash are separators like `/`.
 * 3. Empty segments are merged: `//` is `/`.
 * 4. Then dot segments are removed (RFC 3986 §5.2.4).
 *
 * Forward form, the path of the client without unnecessary encoding: percent-encodings of unreserved characters are
 * decoded, the hex digits of others are in upper case (RFC 3986 §6.2.2.1), and dot segments are removed. `%2F`, `%5C`
 * and `//` stay, because they have a meaning for some upstreams. Characters that must not occur unencoded in a path
 * (RFC 3986 §3.3) are percent-encoded.
 *
 * The match form of the forward form equals the match form of the path. Two rules guarantee this:
 *
 * - Dot segments are resolved as if empty segments had been merged before: `/a//../b` is `/b` in both forms. RFC 3986
 *   would produce `/a/b` for upstreams that do not merge, which would bypass a route for `/a/*`.
 * - A path is refused if an encoded separator decides what a dot segment removes: `/a/..%2Fb`, `/a%2Fb/../c`.
 *
 * `%00` stays encoded in both forms; the serve action refuses it.
 */

const PERCENT = 37;
const DOT = 46;
const SLASH = 47;
const LAST_BYTE = 0xff;

/** 1 for characters that may occur unencoded in a path, RFC 3986 §3.3: `/` and pchar, but not `%`. */
const PLAIN = new Uint8Array(LAST_BYTE + 1);
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/")
  PLAIN[c.charCodeAt(0)] = 1;

const HEX_UPPER = '0123456789ABCDEF';

/**
 * The encoded forms of sub-delims, `:` and `@`. They may occur unencoded in a path, but RFC 3986 §2.2 allows the
 * encoded form to have a different meaning.
 */
const ENCODED_RESERVED = /%(?:2[146789ABC]|3[ABD]|40)/g;

const HIDDEN_SEPARATOR = /%2F|%5C/;
const HIDDEN_SEPARATORS = /%2F|%5C/g;
const BEFORE_SEPARATOR = /(?=\/|%2F|%5C)/;
const SLASHES = /\/{2,}/g;

/** The rules by which a service reads paths. */
export interface PathRules {
  /** Whether empty segments are merged. */
  readonly mergeSlashes: boolean;
  /** Whether an encoded slash or backslash, or a plain backslash, refuses the request. */
  readonly encodedSlashes: 'keep' | 'refuse';
}

/** The rules if the config sets no others. */
export const DEFAULT_PATH_RULES: PathRules = Object.freeze({ mergeSlashes: true, encodedSlashes: 'keep' });

/** Both forms of a path. */
export interface PathForms {
  readonly match: string;
  readonly forward: string;
}

/**
 * Why a path is refused:
 *
 * - malformed: a `%` without two hex digits after it, a character that is not a byte, or no leading `/`
 * - dots: an encoded separator decides what a dot segment removes
 * - separator: an encoded separator in a service that refuses them
 */
export type PathFault = 'malformed' | 'dots' | 'separator';

/** Whether both forms equal the path, whatever the rules. Takes one scan. */
export function isNormalPath(path: string): boolean {
  if (path.charCodeAt(0) !== SLASH) return path === '*';
  let previous = 0;
  for (let i = 0; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (PLAIN[c] !== 1) return false;
    if (previous === SLASH && (c === SLASH || (c === DOT && isDotSegment(path, i)))) return false;
    previous = c;
  }
  return true;
}

/**
 * Returns both forms of a path (without the query), or why it is refused. The empty path becomes `/` (RFC 3986 §6.2.3),
 * and `*` (the asterisk-form, RFC 9112 §3.2.4) stays. `path` has one byte per character.
 */
export function pathForms(path: string, rules: PathRules): PathForms | PathFault {
  if (isNormalPath(path)) return { match: path, forward: path };
  if (path === '') return { match: '/', forward: '/' };
  const encoded = path.charCodeAt(0) === SLASH ? normalizeEncoding(path) : null;
  if (encoded === null) return 'malformed';
  const hidden = HIDDEN_SEPARATOR.test(encoded);
  if (hidden && rules.encodedSlashes === 'refuse') return 'separator';
  const forward = removeDotSegments(encoded, rules.mergeSlashes);
  if (forward === null) return 'dots';
  let match = hidden ? forward.replace(HIDDEN_SEPARATORS, '/') : forward;
  if (rules.mergeSlashes) match = match.replace(SLASHES, '/');
  return { match: match.replace(ENCODED_RESERVED, decode), forward };
}

/** Returns the match form of a path, or null if it is refused. */
export function normalizePath(path: string, rules: PathRules = DEFAULT_PATH_RULES): string | null {
  const forms = pathForms(path, rules);
  return typeof forms === 'string' ? null : forms.match;
}

const BEYOND_ASCII = /[\u0080-\uffff]/;

/**
 * Gives text of a path the encoding of the forward form, dot segments left as they are. Letters beyond ASCII become
 * encoded UTF-8, so that a path may be written as a browser shows it. Returns null for a `%` without two hex digits.
 */
export function encodePath(text: string): string | null {
  return normalizeEncoding(BEYOND_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text);
}

/** Whether a segment that begins with a dot is `.` or `..`. */
function isDotSegment(path: string, at: number): boolean {
  const end = path.charCodeAt(at + 1) === DOT ? at + 2 : at + 1;
  return end === path.length || path.charCodeAt(end) === SLASH;
}

function normalizeEncoding(path: string): string | null {
  let out = '';
  let copied = 0;
  for (let i = 0; i < path.length; i++) {
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

function decode(encoding: string): string {
  return String.fromCharCode(Number.parseInt(encoding.slice(1), 16));
}

/** The value of a hex digit. NaN, which charCodeAt returns beyond the end, is not a digit. */
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

/**
 * RFC 3986 §5.2.4 for a path that begins with `/`. With `merge`, `..` also removes the empty segments before the
 * segment that it removes. Returns null if an encoded separator is part of a dot segment, or would be removed by one.
 */
function removeDotSegments(path: string, merge: boolean): string | null {
  if (path.indexOf('/.') < 0 && path.indexOf('%2F.') < 0 && path.indexOf('%5C.') < 0) return path;
  const kept: string[] = [];
  const pieces = path.split(BEFORE_SEPARATOR);
  for (const [i, piece] of pieces.entries()) {
    const plain = piece.charCodeAt(0) === SLASH;
    const name = piece.slice(plain ? 1 : 3);
    if (name !== '.' && name !== '..') {
      kept.push(piece);
      continue;
    }
    const last = i === pieces.length - 1;
    if (!plain || (!last && pieces[i + 1].charCodeAt(0) !== SLASH)) return null;
    if (name === '..' && !takeBack(kept, merge)) return null;
    // `/a/.` is `/a/` and `/a/b/..` is `/a/`: the slash before a final dot segment stays.
    if (last) kept.push('/');
  }
  return kept.join('');
}

/** Removes the segment before `..`. Returns false if this would remove an encoded separator. */
function takeBack(kept: string[], merge: boolean): boolean {
  for (;;) {
    const piece = kept.pop();
    if (piece === undefined) return true;
    if (piece.charCodeAt(0) !== SLASH) return false;
    if (piece !== '/' || !merge) return true;
  }
}
