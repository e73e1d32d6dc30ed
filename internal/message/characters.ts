/**
 * Character classes of the grammar as tables indexed by byte, so that a strict parser needs one load for each byte of a
 * head.
 */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const ZERO = 0x30;
export const COLON = 0x3a;

/** token (RFC 9110 §5.6.2): the byte in lower case, or 0 where the byte is no tchar. */
export const TOKEN_LOWER = table((byte) => {
  const char = String.fromCharCode(byte);
  return /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char) ? char.toLowerCase().charCodeAt(0) : 0;
});

/** field-content (RFC 9110 §5.5): VCHAR, obs-text, SP and HTAB. No CR, LF, NUL or other control byte. */
export const FIELD_VALUE = table((byte) => (byte === HTAB || (byte >= 0x20 && byte !== 0x7f) ? 1 : 0));

/** Bits of REQUEST_TARGET. They show whether a target needs a second look. */
export const TARGET_IRREGULAR = 2;
export const TARGET_QUESTION = 4;
/** Two in a row are irregular: an empty segment. */
export const TARGET_SLASH = 8;
/** A byte beyond ASCII: no URI may hold one, but some clients send them; prox forwards them percent-encoded. */
export const TARGET_BEYOND_ASCII = 16;

/**
 * request-target (RFC 9112 §3.2): visible ASCII except `#`, which starts a fragment and is never sent. A byte that is
 * allowed has a value other than 0. RFC 3986 §3.3 allows less, but browsers send `|`, `{` and `^` in queries without
 * encoding, and other clients send UTF-8. These, `%` and `.` are irregular: a path that holds them may have another
 * normal form.
 */
export const REQUEST_TARGET = table((byte) => {
  if (byte <= 0x20 || byte === 0x7f || byte === 0x23) return 0;
  if (byte > 0x7f) return 1 | TARGET_IRREGULAR | TARGET_BEYOND_ASCII;
  const char = String.fromCharCode(byte);
  if (char === '?') return 1 | TARGET_QUESTION;
  if (char === '/') return 1 | TARGET_SLASH;
  return /[A-Za-z0-9\-_~!$&'()*+,;=:@/]/.test(char) ? 1 : 1 | TARGET_IRREGULAR;
});

/** Bytes of uri-host and port (RFC 3986 §3.2.2): unreserved, sub-delims, `%`, `:`, and the brackets of an IP literal. */
export const HOST = table((byte) => (/[A-Za-z0-9\-._~!$&'()*+,;=%:[\]]/.test(String.fromCharCode(byte)) ? 1 : 0));

/** The value of a hexadecimal digit plus 1, 0 for any other byte. */
export const HEX_DIGIT = table((byte) => {
  const char = String.fromCharCode(byte);
  return /[0-9A-Fa-f]/.test(char) ? Number.parseInt(char, 16) + 1 : 0;
});

function table(classOf: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => classOf(byte));
}
