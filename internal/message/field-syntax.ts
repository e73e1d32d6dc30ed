import { FIELD_VALUE, HTAB, SP, TOKEN_LOWER } from './characters.ts';

/** @throws TypeError if a line with that name and value would break the message */
export function checkFieldLine(name: string, value: string): void {
  if (!isToken(name)) throw new TypeError(`not a field name: ${JSON.stringify(name)}`);
  if (!isFieldValue(value)) throw new TypeError(`not a value for the field ${name}: ${JSON.stringify(value)}`);
}

/** Whether the text is a token (RFC 9110 §5.6.2), as field names and methods have to be. */
export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || TOKEN_LOWER[code] === 0) return false;
  }
  return text.length > 0;
}

/** Whether the text may stand as a field value (RFC 9110 §5.5): latin1, no control characters, no white space around it. */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff || FIELD_VALUE[code] === 0) return false;
  }
  const last = text.length - 1;
  return text.length === 0 || (!isBlank(text.charCodeAt(0)) && !isBlank(text.charCodeAt(last)));
}

/** SP or HTAB: what may stand around a value (RFC 9110 §5.6.3). */
export function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}
