import { isBlank } from '../message/index.ts';
import { EXCHANGE_PLACEHOLDERS } from './exchange-placeholders.ts';
import type { Exchange } from './exchange.ts';
import { compileTemplate, type Template } from './template.ts';

/** Everything but visible ASCII, blanks and obs-text (RFC 9110 §5.5). */
const NOT_FIELD_CONTENT = /[^\t\x20-\x7e\x80-\xff]/g;
const NOT_ASCII = /[^\x00-\x7f]/;

/**
 * Compiles a configured header value. The result is a valid field value for every request: text beyond ASCII becomes UTF-8
 * (one character for each byte, as `Fields` requires), control characters are percent-encoded, and blanks around the value,
 * which an empty placeholder can leave, are removed.
 */
export function compileFieldValue(text: string): Template<Exchange> {
  const context = { literal: toFieldText, value: toFieldText };
  const template = compileTemplate(text, EXCHANGE_PLACEHOLDERS, context);
  if (template.constant !== null) {
    const constant = trimBlanks(template.constant);
    return { constant, render: () => constant };
  }
  return { constant: null, render: (source) => trimBlanks(template.render(source)) };
}

function toFieldText(text: string): string {
  const bytes = NOT_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
  return bytes.replace(NOT_FIELD_CONTENT, percentEncode);
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}
