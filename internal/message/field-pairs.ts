import { type ErrorCode, ProxyError } from '../base/index.ts';
import { COLON, TOKEN_LOWER } from './characters.ts';
import { FieldId, fieldIdOf } from './field-names.ts';
import { isFieldValue } from './field-syntax.ts';
import type { Fields } from './fields.ts';
import { MAX_LENGTH_DIGITS } from './framing.ts';

/**
 * Stores the fields of an HTTP/2 field section in the form of an HTTP/1.1 head. All other code then sees one kind of fields,
 * and can write them to HTTP/1.1 without conversion. Therefore names and values that could break a line are refused
 * (RFC 9113 §8.2.1 and §10.3).
 * @param fields empty; this function fills them
 * @param pairs name, value, name, value …; pseudo-fields (§8.3) are left out
 * @param code the error code for malformed fields
 * @throws ProxyError with that code
 */
export function readFieldPairs(fields: Fields, pairs: readonly string[], code: ErrorCode): void {
  let text = '';
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const name = pairs[i];
    let value = pairs[i + 1];
    if (name.charCodeAt(0) === COLON) continue;
    if (!isLowerCaseToken(name)) throw new ProxyError(code, `not a field name: ${JSON.stringify(name)}`);
    if (!isFieldValue(value)) throw new ProxyError(code, `a value of the field ${name} that may not stand there`);
    const id = fieldIdOf(name);
    // Leading zeros are removed, as some servers read such a number as octal.
    if (id === FieldId.contentLength && value.length <= MAX_LENGTH_DIGITS) value = value.replace(/^0+(?=[0-9])/, '');
    const nameStart = text.length;
    const nameEnd = nameStart + name.length;
    const valueStart = nameEnd + 2;
    fields.note(id, true, nameStart, nameEnd, valueStart, valueStart + value.length);
    text += `${name}: ${value}\r\n`;
  }
  fields.text = text;
  fields.linesEnd = text.length;
}

/** RFC 9113 §8.2: a field name with an upper-case letter is malformed. */
function isLowerCaseToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || TOKEN_LOWER[code] !== code) return false;
  }
  return text.length > 0;
}
