import { describeValue, InvalidValue } from './invalid-value.ts';

const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/**
 * Bytes of a size: `"10m"` (k, m, g: powers of 1024; `10mb` and `10MiB` are the same), or a number of bytes.
 *
 * @throws InvalidValue unless it is a whole number of bytes above 0
 */
export function parseByteSize(value: string | number): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(value.trim()) : null;
  const bytes = typeof value === 'number' ? value : match && Number(match[1]) * FACTORS[match[2].toLowerCase()];
  if (bytes === null || bytes < 1 || !Number.isSafeInteger(Math.floor(bytes))) {
    throw new InvalidValue(
      `expected a size such as "10m" (k, m, g), or a number of bytes above 0, found ${describeValue(value)}`,
    );
  }
  return Math.floor(bytes);
}
