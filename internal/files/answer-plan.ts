import { Fields, NO_BODY } from '../message/index.ts';
import type { BodyPart } from './body-part.ts';
import { type ByteRange, contentRange, parseRanges } from './byte-ranges.ts';
import { evaluatePreconditions, ifRangeHolds, Precondition } from './conditional.ts';
import { layOutMultipart } from './multipart.ts';
import { type Representation, VARY } from './representation.ts';
import type { RequestConditions } from './request-conditions.ts';

/** The answer with a representation. */
export interface AnswerPlan {
  readonly status: number;
  /** All fields except those that frame the body. The exchange may change them. */
  readonly fields: Fields;
  /** Length of the body in bytes, as for GET. */
  readonly length: number;
  /** The body; empty for no body, as for HEAD. */
  readonly parts: readonly BodyPart[];
}

const NO_PARTS: readonly BodyPart[] = [];

/**
 * Plans the answer to a GET or HEAD (RFC 9110 §13.2.2, §14.2).
 * @param now milliseconds since 1970
 */
export function planAnswer(
  method: string,
  conditions: RequestConditions,
  representation: Representation,
  now: number,
): AnswerPlan {
  const { validators, size } = representation;
  const outcome = evaluatePreconditions(conditions, validators, now);
  if (outcome === Precondition.failed) return withoutBody(412, varyOf(representation));
  if (outcome === Precondition.notModified) {
    return withoutBody(304, representation.notModifiedFields.copy());
  }
  // RFC 9110 §14.2: Range is defined for GET only.
  const range = method === 'GET' && ifRangeHolds(conditions, validators, now) ? conditions.range : null;
  const ranges = range === null ? null : parseRanges(range, size);
  if (ranges === null) return wholeAnswer(method, representation);
  if (ranges.length > 0) return rangesAnswer(ranges, representation);
  const fields = varyOf(representation);
  fields.append('Content-Range', `bytes */${size}`);
  fields.append('Accept-Ranges', 'bytes');
  return withoutBody(416, fields);
}

/** All of a representation. */
export function wholeAnswer(method: string, { fields, size }: Representation): AnswerPlan {
  const parts = method === 'HEAD' || size === 0 ? NO_PARTS : [{ text: null, start: 0, end: size }];
  return { status: 200, fields: fields.copy(), length: size, parts };
}

function rangesAnswer(ranges: readonly ByteRange[], representation: Representation): AnswerPlan {
  const { contentType, size } = representation;
  const fields = representation.fields.copy();
  if (ranges.length === 1) {
    const [range] = ranges;
    fields.append('Content-Range', contentRange(range, size));
    return {
      status: 206,
      fields,
      length: range.end - range.start,
      parts: [{ text: null, ...range }],
    };
  }
  const multipart = layOutMultipart(ranges, size, contentType);
  fields.set('Content-Type', multipart.contentType);
  return {
    status: 206,
    fields,
    length: multipart.length,
    parts: multipart.parts,
  };
}

/** New fields, with Vary if answers depend on Accept-Encoding. */
function varyOf({ varies }: Representation): Fields {
  return Fields.of(varies ? [VARY] : []);
}

function withoutBody(status: number, fields: Fields): AnswerPlan {
  return { status, fields, length: NO_BODY, parts: NO_PARTS };
}
