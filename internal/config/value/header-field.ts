import { isAuthority, isToken } from '../../message/index.ts';
import { InvalidValue, quote } from './invalid-value.ts';

/**
 * Fields that frame a message or belong to one connection (RFC 9110 §7.6.1, RFC 9113 §8.2.2): prox sets them itself, and
 * one set by hand would make the two sides disagree about where a message ends.
 */
const OWN_FIELDS = new Set([
  'connection',
  'content-length',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** @throws InvalidValue unless the name is a token that a config may set */
export function checkFieldName(name: string): void {
  if (!isToken(name)) {
    throw new InvalidValue(`expected a header name of letters, digits and "-", found ${quote(name)}`);
  }
  if (OWN_FIELDS.has(name.toLowerCase())) {
    throw new InvalidValue(
      `the header ${name} cannot be set by hand: prox sets it as the message and the connection need it`,
    );
  }
}

/** @throws InvalidValue for control characters and for what no byte stands for: U+010A cut to a byte would be a line end */
export function checkFieldValue(value: string): void {
  const bad = /[\0-\x08\x0a-\x1f\x7f]|[^\0-\xff]/u.exec(value);
  if (bad === null) return;
  const code = (bad[0].codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
  throw new InvalidValue(
    `expected a header value of printable ASCII, found the character U+${code} in ${quote(value)}`,
  );
}

/** @throws InvalidValue unless the value can stand in a Host field (RFC 9112 §3.2) */
export function checkHostValue(value: string): void {
  if (isAuthority(value)) return;
  throw new InvalidValue(`expected a host with an optional port for Host, found ${quote(value)}`);
}

/**
 * A method in upper case. Methods are case-sensitive (RFC 9110 §9.1), and every registered one is upper case: what is
 * written in lower case means the same.
 *
 * @throws InvalidValue unless the text is a token
 */
export function parseMethod(method: string): string {
  if (!isToken(method)) throw new InvalidValue(`expected an HTTP method such as "GET", found ${quote(method)}`);
  return method.toUpperCase();
}
