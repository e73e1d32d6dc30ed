import { randomFillSync } from 'node:crypto';

/** Bytes of randomness that are drawn at once: a draw costs some 500 ns, whatever its size up to this. */
const POOL_BYTES = 4096;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** The offset of that many random bytes in the pool, each used once. */
function draw(bytes: number): number {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return used - bytes;
}

/** 64 characters, so that 6 random bits choose one without a bias. All of them may stand in a URL as they are. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';

/** An id of random characters, `size` of them: 1 to 128. */
export function makeNanoid(size: number): string {
  const start = draw(size);
  let id = '';
  for (let i = start; i < start + size; i++) id += ALPHABET[pool[i] & 63];
  return id;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * A UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds since 1970, then 74 random bits.
 * @param now as `Date.now()`
 */
export function makeUuid(now: number): string {
  const at = draw(10);
  const time = now.toString(16).padStart(12, '0');
  // The version is 7, the variant 0b10.
  const third = `7${HEX[pool[at]][1]}${HEX[pool[at + 1]]}`;
  const fourth = HEX[(pool[at + 2] & 0x3f) | 0x80] + HEX[pool[at + 3]];
  const fifth = HEX[pool[at + 4]] + HEX[pool[at + 5]] + HEX[pool[at + 6]] + HEX[pool[at + 7]];
  return `${time.slice(0, 8)}-${time.slice(8)}-${third}-${fourth}-${fifth}${HEX[pool[at + 8]]}${HEX[pool[at + 9]]}`;
}
