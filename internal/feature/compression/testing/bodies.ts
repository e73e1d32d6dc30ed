const WORDS = 'the quick brown fox jumps over a lazy dog while five boxing wizards watch'.split(' ');

/** Text that compresses well, the same at each call. */
export function prose(length: number): Buffer {
  const next = sequence();
  let text = '';
  while (text.length < length) text += `${WORDS[next() % WORDS.length]} `;
  return Buffer.from(text.slice(0, length));
}

/** Bytes that do not compress, the same at each call. */
export function noise(length: number): Buffer {
  const next = sequence();
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = next() >> 7;
  return bytes;
}

function sequence(): () => number {
  let state = 12_345;
  // xorshift32: no short period in any of its bits.
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 1;
  };
}
