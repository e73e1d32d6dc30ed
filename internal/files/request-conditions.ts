import { type Fields, WantedNames } from '../message/index.ts';

/** The fields of a request that decide which part of a file is sent; null if the request does not have the field. */
export interface RequestConditions {
  readonly ifMatch: string | null;
  readonly ifNoneMatch: string | null;
  readonly ifModifiedSince: string | null;
  readonly ifUnmodifiedSince: string | null;
  readonly ifRange: string | null;
  readonly range: string | null;
  readonly acceptEncoding: string | null;
  /** Whether the whole file is sent, because there is no precondition and no range. */
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

/** Reads the fields in one pass. Repeated fields are joined to a list (RFC 9110 §5.3). */
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
