import { type Fields, WantedNames } from '../message/index.ts';

/** The fields of a request that choose what of a file is sent; null where the request has none. */
export interface RequestConditions {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
  readonly ifModifiedSince: string | null;
  readonly ifUnmodifiedSince: string | null;
  readonly ifRange: string | null;
  readonly range: string | null;
  readonly acceptEncoding: string | null;
  /** There is no precondition and no range: all of the file is sent. */
  readonly whole: boolean;
}

const NAMES = new WantedNames([
  'accept-encoding',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
]);

const NO_CONDITIONS: RequestConditions = Object.freeze({
  ifMatch: null,
  ifNoneMatch: null,
  ifModifiedSince: null,
  ifUnmodifiedSince: null,
  ifRange: null,
  range: null,
  acceptEncoding: null,
  whole: true,
});

/** Reads them in one pass. Fields that come more than once are joined to a list (RFC 9110 §5.3). */
export function readConditions(fields: Fields): RequestConditions {
  const lists = fields.listsOf(NAMES);
  if (lists === null) return NO_CONDITIONS;
  const [acceptEncoding, ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince, ifRange, range] = lists;
  const unconditional =
    ifMatch === null && ifNoneMatch === null && ifModifiedSince === null && ifUnmodifiedSince === null;
  return {
    ifMatch,
    ifNoneMatch,
    ifModifiedSince,
    ifUnmodifiedSince,
    ifRange,
    range,
    acceptEncoding,
    whole: unconditional && range === null,
  };
}
