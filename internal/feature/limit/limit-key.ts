import { createHash } from 'node:crypto';
import { cookieValue, type Exchange, fieldValue, queryValue } from '../../exchange/index.ts';

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
      return ({ requestFields }) => bounded(fieldValue(requestFields, name));
    }
    case 'cookie':
      return ({ requestFields }) => bounded(cookieValue(requestFields, tag.name));
    case 'query':
      return ({ query }) => bounded(queryValue(query, tag.name));
  }
}

function bounded(key: string): string {
  return key.length <= MAX_KEY ? key : `sha256:${createHash('sha256').update(key, 'latin1').digest('base64')}`;
}
