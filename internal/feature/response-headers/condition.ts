import { InvalidValue } from '../../config/index.ts';

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

/**
 * Reads media types such as `text/*,application/json`, into lower case; `text/` stands for `text/*`, and an empty text
 * for any type.
 * @throws InvalidValue
 */
export function parseType(value: string): readonly string[] {
  return value.split(',').map((part) => {
    const type = part.trim().toLowerCase();
    if (type === '*/*') return '';
    if (!/^[\w!#$&^.+-]+\/(?:\*|[\w!#$&^.+-]+)$/.test(type))
      throw new InvalidValue(
        `expected media types such as "text/*" or "application/json", separated by commas, found ${JSON.stringify(value)}`,
      );
    return type.endsWith('/*') ? type.slice(0, -1) : type;
  });
}

/** Whether a Content-Type is one of the types; an absent one is of none but "any". */
export function matchesType(types: readonly string[], contentType: string | null): boolean {
  if (contentType === null) return types.includes('');
  const end = contentType.indexOf(';');
  const type = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
  return types.some((each) => (each === '' || each.endsWith('/') ? type.startsWith(each) : type === each));
}

/** Whether a status is in one of the ranges. */
export function matchesStatus(ranges: readonly StatusRange[], status: number): boolean {
  return ranges.some(([first, last]) => status >= first && status <= last);
}
