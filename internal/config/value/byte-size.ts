import { describeValue, InvalidValue } from './invalid-value.ts';

/** What the units stand for, everywhere in the config. */
const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1024 ** 2,
  mib: 1024 ** 2,
  mb: 1000 ** 2,
  g: 1024 ** 3,
  gib: 1024 ** 3,
  gb: 1000 ** 3,
};

/** What a size may be. */
export interface ByteSizeRange {
  /** In bytes; 0 is allowed where it means "none" or "the default", whatever `min` says. */
  readonly min: number;
  readonly max?: number;
  readonly zero?: boolean;
}

/** Allowed sizes in words. */
export function byteSizeInWords({ min, max, zero = false }: ByteSizeRange): string {
  const range = max !== undefined ? ` from ${min} to ${max}` : min > 0 && !zero ? ` above ${min - 1}` : '';
  return `a size such as "10m" (k, m, g)${zero ? ',' : ', or'} a number of bytes${range}${zero ? ', or 0' : ''}`;
}

/**
 * Bytes of a size: a number of bytes, or a text with a unit, in upper or lower case: `"10m"` (k, m, g and kib, mib, gib are
 * powers of 1024), `"10mb"` (kb, mb, gb are powers of 1000). Parts of bytes are cut off.
 *
 * @throws InvalidValue unless it is a whole number of bytes within the range
 */
export function parseByteSize(value: string | number, range: ByteSizeRange = { min: 1 }): number {
  const bytes = bytesOf(value);
  const { min, max = Number.MAX_SAFE_INTEGER, zero = false } = range;
  if (bytes !== null && ((bytes >= min && bytes <= max) || (zero && bytes === 0))) return bytes;
  const hint = typeof value === 'string' && /^\d+ ?[a-z]+$/i.test(value) && bytes === null ? UNITS_HINT : '';
  throw new InvalidValue(`expected ${byteSizeInWords(range)}, found ${describeValue(value)}${hint}`);
}

const UNITS_HINT = ': the units are k, m, g, kib, mib, gib (powers of 1024) and kb, mb, gb (powers of 1000)';

/** Null for what is no size. A part of a byte is no size either: cut off, it would be 0, which often means "no limit". */
function bytesOf(value: string | number): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null;
  const match = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(value.trim());
  const factor = FACTORS[match?.[2].toLowerCase() ?? ' '];
  if (match === null || factor === undefined) return null;
  const exact = Number(match[1]) * factor;
  const bytes = Math.floor(exact);
  return Number.isSafeInteger(bytes) && (bytes > 0 || exact === 0) ? bytes : null;
}
