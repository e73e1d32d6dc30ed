import { createHash } from 'node:crypto';
import type { Exchange } from '../../exchange/index.ts';
import type { Fields } from '../../message/index.ts';

/** What tells clients apart. */
export type LimitTag = { readonly by: 'ip' } | { readonly by: 'header' | 'cookie' | 'query'; readonly name: string };

/** Characters of a key that are kept as they are; of a longer one, a hash is: keys are remembered by the thousand. */
const MAX_KEY = 128;

/** Gives the key of a request; empty when it has none, and so is not limited. */
export type LimitKey = (exchange: Exchange) => string;

/** Compiles what tells clients apart. A header is its first field line; a cookie or a query value the first of its name. */
export function compileLimitKey(tag: LimitTag): LimitKey {
  switch (tag.by) {
    case 'ip':
      return (exchange) => exchange.originAddress;
    case 'header': {
      const name = tag.name.toLowerCase();
      return ({ requestFields }) => bounded(firstLine(requestFields, name));
    }
    case 'cookie':
      return ({ requestFields }) => bounded(cookie(requestFields, tag.name));
    case 'query':
      return ({ query }) => bounded(pairValue(query.slice(1), tag.name, '&'));
  }
}

function bounded(key: string): string {
  return key.length <= MAX_KEY ? key : `sha256:${createHash('sha256').update(key, 'latin1').digest('base64')}`;
}

/** The value of the first field line of a name; empty without one. */
function firstLine(fields: Fields, lowerName: string): string {
  const list = fields.get(lowerName);
  // Only a list can be of several lines.
  if (list === null || !list.includes(', ')) return list ?? '';
  for (const [name, value] of fields.entries()) if (name.toLowerCase() === lowerName) return value;
  return '';
}

/** RFC 6265 §4.2.1. HTTP/2 may send a field line for each cookie (RFC 9113 §8.2.3). */
function cookie(fields: Fields, name: string): string {
  const list = fields.get('cookie');
  if (list === null) return '';
  if (!list.includes(', ')) return pairValue(list, name, ';');
  for (const [field, value] of fields.entries()) {
    const found = field.toLowerCase() === 'cookie' ? pairValue(value, name, ';') : '';
    if (found !== '') return found;
  }
  return '';
}

/** The value of the first `name=value` between separators, as it is sent, without blanks around it. */
function pairValue(text: string, name: string, separator: string): string {
  for (let start = 0; start < text.length;) {
    let end = text.indexOf(separator, start);
    if (end < 0) end = text.length;
    while (text[start] === ' ' || text[start] === '\t') start++;
    if (text[start + name.length] === '=' && text.startsWith(name, start)) {
      const value = text.slice(start + name.length + 1, end).trim();
      return value;
    }
    start = end + 1;
  }
  return '';
}
