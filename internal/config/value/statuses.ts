import { InvalidValue } from './invalid-value.ts';

/** Statuses from the first to the last of the pair. */
export type StatusRange = readonly [first: number, last: number];

/**
 * Reads statuses such as `2xx,404`.
 * @throws InvalidValue
 */
export function parseStatuses(value: string | number): readonly StatusRange[] {
  return String(value)
    .split(',')
    .map((part) => parseStatus(part.trim(), value));
}

function parseStatus(part: string, whole: string | number): StatusRange {
  if (/^[2-5]xx$/i.test(part)) {
    const first = Number(part[0]) * 100;
    return [first, first + 99];
  }
  if (/^[2-5]\d\d$/.test(part)) return [Number(part), Number(part)];
  throw new InvalidValue(
    `expected statuses from 200 to 599 and classes such as "4xx", separated by commas, found ${JSON.stringify(whole)}`,
  );
}

/** Whether a status is in one of the ranges. */
export function matchesStatus(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(([first, last]) => status >= first && status <= last);
}
