import { NO_BODY } from '../message/index.ts';
import type { BodyPart } from './body-part.ts';
import { type ByteRange, contentRange, parseRanges } from './byte-ranges.ts';
import { evaluatePreconditions, ifRangeHolds, Precondition } from './conditional.ts';
import { layOutMultipart } from './multipart.ts';
import type { Representation } from './representation.ts';
import type { RequestConditions } from './request-conditions.ts';
import { validatorLines } from './validators.ts';

/** What is answered with a representation. */
export interface AnswerPlan {
  readonly status: number;
  /** The fields as lines, but for what frames the body. All are made here, from numbers, dates and the table of media types. */
  readonly lines: string;
  /** Bytes of the body, as GET has it. */
  readonly length: number;
  /** The body; empty for none, as for HEAD. */
  readonly parts: readonly BodyPart[];
}

const NO_PARTS: readonly BodyPart[] = [];

/**
 * Decides what a GET or HEAD is answered with (RFC 9110 §13.2.2, §14.2).
 * @param now milliseconds since 1970
 */
export function planAnswer(
  method: string,
  conditions: RequestConditions,
  representation: Representation,
  now: number,
): AnswerPlan {
  const { validators, varyLine, size } = representation;
  const outcome = evaluatePreconditions(conditions, validators, now);
  if (outcome === Precondition.failed) return withoutBody(412, varyLine);
  if (outcome === Precondition.notModified) {
    // RFC 9110 §15.4.5: what guides caches, and nothing that repeats the representation.
    return withoutBody(304, validatorLines(validators, false) + varyLine);
  }
  // RFC 9110 §14.2: Range is defined for GET alone.
  const range = method === 'GET' && ifRangeHolds(conditions, validators, now) ? conditions.range : null;
  const ranges = range === null ? null : parseRanges(range, size);
  if (ranges === null) return wholeAnswer(method, representation);
  if (ranges.length > 0) return rangesAnswer(ranges, representation);
  return withoutBody(416, `Content-Range: bytes */${size}\r\nAccept-Ranges: bytes\r\n${varyLine}`);
}

/** All of a representation. */
export function wholeAnswer(method: string, { wholeLines, size }: Representation): AnswerPlan {
  const parts = method === 'HEAD' || size === 0 ? NO_PARTS : [{ text: null, start: 0, end: size }];
  return { status: 200, lines: wholeLines, length: size, parts };
}

function rangesAnswer(ranges: readonly ByteRange[], { contentType, lines, size }: Representation): AnswerPlan {
  if (ranges.length === 1) {
    const [range] = ranges;
    const rangeLine = `Content-Range: ${contentRange(range, size)}\r\n`;
    return {
      status: 206,
      lines: `Content-Type: ${contentType}\r\n${lines}${rangeLine}`,
      length: range.end - range.start,
      parts: [{ text: null, ...range }],
    };
  }
  const multipart = layOutMultipart(ranges, size, contentType);
  return {
    status: 206,
    lines: `Content-Type: ${multipart.contentType}\r\n${lines}`,
    length: multipart.length,
    parts: multipart.parts,
  };
}

function withoutBody(status: number, lines: string): AnswerPlan {
  return { status, lines, length: NO_BODY, parts: NO_PARTS };
}
