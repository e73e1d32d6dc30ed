import type { Fields } from '../message/index.ts';

/** The value of the first field line of a name; empty without one. @param lowerName in lower case */
export function fieldValue(fields: Fields, lowerName: string): string {
  const list = fields.get(lowerName);
  // Only a value with a list separator can come from several lines.
  if (list === null || !list.includes(', ')) return list ?? '';
  for (const [name, value] of fields.entries()) if (name.toLowerCase() === lowerName) return value;
  return '';
}

/**
 * The value of the first cookie of a name, as the client sent it; empty without one (RFC 6265 §4.2.1). An HTTP/2 client may
 * send a field line for each cookie (RFC 9113 §8.2.3).
 */
export function cookieValue(fields: Fields, name: string): string {
  const list = fields.get('cookie');
  if (list === null) return '';
  if (!list.includes(', ')) return pairValue(list, name, ';');
  for (const [field, value] of fields.entries()) {
    const found = field.toLowerCase() === 'cookie' ? pairValue(value, name, ';') : '';
    if (found !== '') return found;
  }
  return '';
}

/**
 * The value of the first query parameter of a name, as the client sent it: percent-encoded; empty without one.
 * @param query with its `?`, or empty
 */
export function queryValue(query: string, name: string): string {
  return pairValue(query.slice(1), name, '&');
}

/** The value of the first `name=value` between separators, undecoded, without blanks around it. */
function pairValue(text: string, name: string, separator: string): string {
  for (let start = 0; start < text.length;) {
    let end = text.indexOf(separator, start);
    if (end < 0) end = text.length;
    while (text[start] === ' ' || text[start] === '\t') start++;
    if (text[start + name.length] === '=' && text.startsWith(name, start)) {
      return text.slice(start + name.length + 1, end).trim();
    }
    start = end + 1;
  }
  return '';
}
