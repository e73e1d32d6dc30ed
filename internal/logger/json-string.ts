/**
 * JSON strings for log lines, in ASCII alone.
 *
 * Everything but printable ASCII is written as `\uXXXX`: control characters, DEL, C1, U+2028, bidirectional overrides,
 * lone surrogates, and every other non-ASCII character too. So whatever a client sends, a line stays one line, a
 * terminal that shows it obeys nothing in it, and the file is valid UTF-8. JSON readers give the text back unchanged.
 */

/** What a JSON string cannot hold as it is. The regular expression is several times faster than a loop in script. */
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
 * The same JSON text in ASCII. All that is not printable ASCII in JSON without white space between its tokens stands
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
