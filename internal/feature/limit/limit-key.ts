import { createHash } from 'node:crypto';
import { cookieValue, type Exchange, fieldValue } from '../../exchange/index.ts';

/** The property of a request that identifies its client. */
export type LimitTag = { readonly by: 'ip' } | { readonly by: 'header' | 'cookie' | 'query'; readonly name: string };

/** Characters of a key. A longer key is replaced by a hash, because thousands of keys are kept in memory. */
const MAX_KEY = 128;

/** Gives the key of a request; empty if it has none. Such a request is not limited. */
export type LimitKey = (exchange: Exchange) => string;

/**
 * Compiles a tag. The key is the first value that is not empty of the header, cookie or query parameter. Otherwise a client
 * could avoid the limit with an empty value before it, or with another spelling of a parameter.
 */
export function compileLimitKey(tag: LimitTag): LimitKey {
  switch (tag.by) {
    case 'ip':
      return (exchange) => exchange.originAddress;
    case 'header': {
      const name = tag.name.toLowerCase();
      return ({ requestFields }) =>
        bounded(fieldValue(requestFields, name) || (requestFields.get(name) ?? '').replace(/^[,\s]+/, ''));
    }
    case 'cookie':
      return ({ requestFields }) =>
        bounded(
          cookieValue(requestFields, tag.name) ||
            firstValue(requestFields.get('cookie') ?? '', tag.name, /[;,]/, String),
        );
    case 'query': {
      const name = Buffer.from(tag.name).toString('latin1');
      return ({ query }) => bounded(firstValue(query.slice(1), name, /&/, formDecoded));
    }
  }
}

/** The first value of a name that is not empty. */
function firstValue(text: string, name: string, separator: RegExp, decode: (part: string) => string): string {
  for (const pair of text.split(separator)) {
    const equals = pair.indexOf('=');
    if (equals < 0 || decode(pair.slice(0, equals)).trim() !== name) continue;
    const value = decode(pair.slice(equals + 1)).trim();
    if (value !== '') return value;
  }
  return '';
}

/** Decodes a name or value of a query as upstreams do, to one character for each byte. */
function formDecoded(part: string): string {
  if (!/[%+]/.test(part)) return part;
  const decoded = (_: string, digits: string): string => String.fromCharCode(Number.parseInt(digits, 16));
  return part.replaceAll('+', ' ').replaceAll(/%([0-9a-f]{2})/gi, decoded);
}

function bounded(key: string): string {
  return key.length <= MAX_KEY ? key : `sha256:${createHash('sha256').update(key, 'latin1').digest('base64')}`;
}
