/**
 * JSON strings for log lines, in ASCII only.
 *
 * Everything except printable ASCII is written as `\uXXXX`: control characters, DEL, C1, U+2028, bidirectional
 * overrides, lone surrogates, and every other non-ASCII character. So whatever a client sends, a line stays one line,
 * it cannot send commands to a terminal that shows it, and the file is valid UTF-8. JSON readers return the original
 * text.
 */

/**
 * Characters that must be escaped in a JSON string. The regular expression is several times faster than a loop in
 * JavaScript.
 */
const TO_ESCAPE = /[^ !#-[\]-~]/;
const ALL_TO_ESCAPE = new RegExp(TO_ESCAPE, 'g');
const NOT_ASCII = /[^ -~]/g;

/** The JSON string, with its quotes, for any string of UTF-16 code units. */
export function quote(text: string): string {
  return '"' + escape(text) + '"';
}

/** The JSON string without its quotes. */
export function escape(text: string): string {
  return TO_ESCAPE.test(text) ? text.replace(ALL_TO_ESCAPE, escapeUnit) : text;
}

/**
 * Returns the same JSON text in ASCII. In JSON without white space between tokens, everything except printable ASCII is
 * inside a string, where `\uXXXX` means the same.
 */
export function asciiJson(json: string): string {
  return json.replace(NOT_ASCII, escapeUnit);
}

function escapeUnit(character: string): string {
  if (character === '"') return '\\"';
  if (character === '\\') return '\\\\';
  return '\\u' + character.charCodeAt(0).toString(16).padStart(4, '0');
}
