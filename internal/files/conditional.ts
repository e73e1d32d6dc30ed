import { parseHttpDate } from '../message/index.ts';
import type { RequestConditions } from './request-conditions.ts';
import type { Validators } from './validators.ts';

/** The result of the preconditions of a GET or HEAD. */
export const Precondition = {
  /** The method is performed. */
  holds: 0,
  /** 304: the client has this representation. */
  notModified: 1,
  /** 412: the client requires another representation. */
  failed: 2,
} as const;
export type Precondition = (typeof Precondition)[keyof typeof Precondition];

/**
 * Evaluates the preconditions of a GET or HEAD in the order of RFC 9110 §13.2.2, steps 1 to 4; step 5, If-Range, is
 * `ifRangeHolds`. If a field is malformed, If-Match fails, and any other field is ignored.
 * @param now milliseconds since 1970
 */
export function evaluatePreconditions(
  conditions: RequestConditions,
  validators: Validators,
  now: number,
): Precondition {
  const { ifMatch, ifUnmodifiedSince, ifNoneMatch, ifModifiedSince } = conditions;
  const { etag, lastModified } = validators;
  if (ifMatch !== null) {
    // Step 1, strong comparison, because the client relies on every byte.
    if (!listHolds(ifMatch, etag, false)) return Precondition.failed;
  } else if (ifUnmodifiedSince !== null && lastModified !== null) {
    // Step 2. An invalid date is ignored (§13.1.4).
    const date = parseHttpDate(ifUnmodifiedSince, now);
    if (date !== null && lastModified > date) return Precondition.failed;
  }
  if (ifNoneMatch !== null) {
    // Step 3, weak comparison. Step 4 does not apply if there is an If-None-Match (§13.1.3).
    return listHolds(ifNoneMatch, etag, true) ? Precondition.notModified : Precondition.holds;
  }
  if (ifModifiedSince !== null && lastModified !== null) {
    const date = parseHttpDate(ifModifiedSince, now);
    if (date !== null && lastModified <= date) return Precondition.notModified;
  }
  return Precondition.holds;
}

/**
 * Whether Range applies (RFC 9110 §13.1.5): there is no If-Range, or it names exactly this representation, by its
 * strong tag, or by its date if that is a strong validator (§8.8.2.2). The date is not strong while its second is not
 * over, because the file may change again within it.
 */
export function ifRangeHolds(conditions: RequestConditions, validators: Validators, now: number): boolean {
  const { ifRange } = conditions;
  if (ifRange === null) return true;
  if (ifRange.startsWith('"') || ifRange.startsWith('W/')) return ifRange === validators.etag;
  const { lastModified } = validators;
  return lastModified !== null && lastModified + 1000 <= now && parseHttpDate(ifRange, now) === lastModified;
}

/** entity-tag (RFC 9110 §8.8.3) with the characters that may follow it in a list; a tag may contain a comma. */
const LIST_MEMBER = /[ \t]*(?:(W\/)?("[\x21\x23-\x7e\x80-\xff]*"))?[ \t]*(?:,|$)/y;

/** Whether a list of entity tags, or `*`, matches an existing representation with a strong tag. */
function listHolds(list: string, etag: string, weakly: boolean): boolean {
  if (list.trim() === '*') return true;
  let found = false;
  LIST_MEMBER.lastIndex = 0;
  while (LIST_MEMBER.lastIndex < list.length) {
    const member = LIST_MEMBER.exec(list);
    if (member === null) return false;
    if (member[2] === etag && (weakly || member[1] === undefined)) found = true;
  }
  return found;
}
