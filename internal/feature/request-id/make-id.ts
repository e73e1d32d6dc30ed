import { randomFillSync } from 'node:crypto';

/** Random numbers in one draw. Each draw of up to this size takes about a microsecond. */
const POOL_SIZE = 4096;

const pool = new Uint16Array(POOL_SIZE);
let used = POOL_SIZE;

/** Takes random numbers of 16 bits from the pool, each once. @returns the index of the first one */
function draw(numbers: number): number {
  if (used + numbers > POOL_SIZE) {
    randomFillSync(pool);
    used = 0;
  }
  used += numbers;
  return used - numbers;
}

/** 64 characters, so that 6 random bits choose one without a bias. All of them may stand in a URL without encoding. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';

/** Two characters for each 12 bits. */
const PAIRS: readonly string[] = Array.from({ length: 4096 }, (_, n) => ALPHABET[n >> 6] + ALPHABET[n & 63]);

/** An id of random characters, `size` of them: 1 to 128. */
export function makeNanoid(size: number): string {
  const pairs = size >> 1;
  const start = draw(pairs + 1);
  let id = '';
  for (let i = start; i < start + pairs; i++) id += PAIRS[pool[i] & 0xfff];
  return (size & 1) === 0 ? id : id + ALPHABET[pool[start + pairs] & 63];
}

/** Three hexadecimal digits for each 12 bits. */
const TRIPLES: readonly string[] = Array.from({ length: 4096 }, (_, n) => n.toString(16).padStart(3, '0'));

/** The first digit of the variant 0b10 (RFC 9562 §4.1). */
const VARIANT_DIGITS = ['8', '9', 'a', 'b'];

let timeOfPrefix = -1;
let prefix = '';

/**
 * A UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds since 1970, then 74 random bits.
 * @param now as `Date.now()`
 */
export function makeUuid(now: number): string {
  if (now !== timeOfPrefix) {
    const digits = now.toString(16).padStart(12, '0');
    prefix = `${digits.slice(0, 8)}-${digits.slice(8)}-7`;
    timeOfPrefix = now;
  }
  const at = draw(6);
  const variant = VARIANT_DIGITS[pool[at] >> 14];
  const middle = `${TRIPLES[pool[at] & 0xfff]}-${variant}${TRIPLES[pool[at + 1] & 0xfff]}-`;
  const last = TRIPLES[pool[at + 2] & 0xfff] + TRIPLES[pool[at + 3] & 0xfff];
  return prefix + middle + last + TRIPLES[pool[at + 4] & 0xfff] + TRIPLES[pool[at + 5] & 0xfff];
}
