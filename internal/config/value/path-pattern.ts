import { encodePath } from '../../message/index.ts';
import { InvalidValue, quote } from './invalid-value.ts';

const ALLOWED = 'an exact path ("/health") or a prefix ("/api/*"), several separated by commas';

/**
 * Splits `path` at its commas and normalises the encoding of each pattern. The router brings it into the form that it matches
 * request paths in, which depends on the service.
 *
 * @throws InvalidValue
 */
export function parsePathPatterns(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  // A comma at the end says nothing.
  if (parts.length > 1 && parts.at(-1) === '') parts.pop();
  return parts.map((part) => parseOne(part, text));
}

/** Nearly every pattern: nothing to decode, nothing to encode, no dot segments, no star but at its end. */
const PLAIN = /^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~!$&'()+;=:@-]*)*(?:\/\*)?$/;

function parseOne(pattern: string, text: string): string {
  if (pattern !== '' && PLAIN.test(pattern)) return pattern;
  const refuse = (why: string): never => {
    throw new InvalidValue(`expected ${ALLOWED}, found ${quote(text)}: ${why}`);
  };
  if (pattern === '') refuse(/^[\s,]*$/.test(text) ? 'it is empty' : 'there is nothing between two commas');
  if (!pattern.startsWith('/')) refuse(`${quote(pattern)} must begin with "/"`);
  if (/[?#]/.test(pattern)) refuse('the query and the fragment are no part of the path');
  if (/[\0-\x1f\x7f]/.test(pattern)) refuse('it holds a control character');
  if (splitPathPattern(pattern).fixed.includes('*')) refuse('`*` is allowed only as the end of "/*"');
  if (/%00/.test(pattern)) refuse('no request path that prox accepts holds %00');
  const normal = encodePath(pattern) ?? refuse('"%" must begin two hex digits');
  if (/(?:\/|%2F|%5C)\.{1,2}(?=\/|%2F|%5C|$)/.test(normal))
    refuse('"." and ".." are resolved before a path is matched');
  return normal;
}

/**
 * The part of a pattern that a path has to begin with, and whether more may follow: `/api/` and true for `/api/*`. `*` is
 * special only as the whole last segment.
 */
export function splitPathPattern(pattern: string): { readonly fixed: string; readonly prefix: boolean } {
  const prefix = pattern.endsWith('/*');
  return { fixed: prefix ? pattern.slice(0, -1) : pattern, prefix };
}
