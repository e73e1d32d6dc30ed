import type { Fields } from '../../http1/index.ts';

/** The fields of a request that choose what of a file is sent; null where the request has none. */
export interface RequestConditions {
  ifMatch: string | null;
  ifNoneMatch: string | null;
  ifModifiedSince: string | null;
  ifUnmodifiedSince: string | null;
  ifRange: string | null;
  range: string | null;
  acceptEncoding: string | null;
}

const KEYS: ReadonlyMap<string, keyof RequestConditions> = new Map([
  ['if-match', 'ifMatch'],
  ['if-none-match', 'ifNoneMatch'],
  ['if-modified-since', 'ifModifiedSince'],
  ['if-unmodified-since', 'ifUnmodifiedSince'],
  ['if-range', 'ifRange'],
  ['range', 'range'],
  ['accept-encoding', 'acceptEncoding'],
]);

/** Reads them in one pass. Fields that come more than once are joined to a list (RFC 9110 §5.3). */
export function readConditions(fields: Fields): RequestConditions {
  const conditions: RequestConditions = {
    ifMatch: null,
    ifNoneMatch: null,
    ifModifiedSince: null,
    ifUnmodifiedSince: null,
    ifRange: null,
    range: null,
    acceptEncoding: null,
  };
  for (const [name, value] of fields.entries()) {
    const key = KEYS.get(name.toLowerCase());
    if (key === undefined) continue;
    const before = conditions[key];
    conditions[key] = before === null ? value : `${before}, ${value}`;
  }
  return conditions;
}
