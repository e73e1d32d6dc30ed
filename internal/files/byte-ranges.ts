/** A part of a representation: bytes from `start`, inclusive, to `end`, exclusive. Never empty. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Number of ranges in one request. PDF readers ask for some dozens; hundreds are an attack on the memory and disk of
 * the server (RFC 9110 §17.15).
 */
export const MAX_RANGES = 64;

/** int-range or suffix-range (RFC 9110 §14.1.1). */
const RANGE_SPEC = /^(?:(\d+)-(\d*)|-(\d+))$/;

/**
 * Parses Range (RFC 9110 §14.2) for a representation of `size` bytes. The result never overlaps, so that no request can
 * ask for more than the representation has. The order is the client's.
 *
 * Null: the field is ignored and the whole representation is sent. This applies to a unit other than bytes, a malformed
 * list, more than MAX_RANGES ranges, and an empty representation, which has no range. Empty: no range is satisfiable,
 * and the answer is 416.
 */
export function parseRanges(value: string, size: number): readonly ByteRange[] | null {
  const unit = /^bytes[ \t]*=/i.exec(value);
  if (unit === null) return null;
  const ranges: ByteRange[] = [];
  let specs = 0;
  let emptySuffix = false;
  for (const member of value.slice(unit[0].length).split(',')) {
    const text = member.replace(/^[ \t]+|[ \t]+$/g, '');
    // A recipient accepts empty list members (RFC 9110 §5.6.1.2).
    if (text === '') continue;
    const spec = RANGE_SPEC.exec(text);
    if (spec === null || ++specs > MAX_RANGES) return null;
    const [, first, last, suffix] = spec;
    if (suffix !== undefined) {
      const length = Math.min(Number(suffix), size);
      if (length > 0) ranges.push({ start: size - length, end: size });
      else if (Number(suffix) > 0) emptySuffix = true;
    } else {
      const start = Number(first);
      if (last !== '' && Number(last) < start) return null;
      if (start < size) ranges.push({ start, end: last === '' ? size : Math.min(Number(last) + 1, size) });
    }
  }
  if (specs === 0) return null;
  // `-5` of an empty representation is satisfiable (§14.1.2), but Content-Range cannot express an empty range.
  if (ranges.length === 0 && emptySuffix) return null;
  return coalesce(ranges);
}

/** Joins ranges that overlap (RFC 9110 §14.2); the joined range takes the place of the first of them. */
function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  if (ranges.length < 2) return ranges;
  const sorted = ranges.map((range, order) => ({ ...range, order })).toSorted((a, b) => a.start - b.start);
  const joined: { start: number; end: number; order: number }[] = [];
  for (const range of sorted) {
    const previous = joined.at(-1);
    if (previous === undefined || range.start >= previous.end) {
      joined.push(range);
      continue;
    }
    previous.end = Math.max(previous.end, range.end);
    previous.order = Math.min(previous.order, range.order);
  }
  return joined.toSorted((a, b) => a.order - b.order).map(({ start, end }) => ({ start, end }));
}

/** Content-Range of a part (RFC 9110 §14.4). */
export function contentRange(range: ByteRange, size: number): string {
  return `bytes ${range.start}-${range.end - 1}/${size}`;
}
