import { describe, expect, it } from 'vitest';

import { longestMatch } from './match-length.ts';

/** Lengths are in characters of up to four bytes. */
const CASES: readonly [pattern: string, characters: number][] = [
  ['', 0],
  ['abc', 3],
  ['a|bcd|ef', 3],
  ['a?b', 2],
  ['a{3}b', 4],
  ['a{2,5}?', 5],
  ['(ab){2}', 4],
  ['(?:a|bc)d', 3],
  ['(?P<name>ab)c', 3],
  ['(?<name>ab)c', 3],
  ['(?i)ab', 2],
  ['(?i:ab)c', 3],
  ['[abc]', 1],
  ['[]a]b', 2],
  ['[^]a*]b', 2],
  ['[[:alpha:]*]b', 2],
  ['[a\\]*]', 1],
  ['\\d{4}\\.', 5],
  ['\\x41\\x{10ffff}', 2],
  ['\\pL\\p{Greek}', 2],
  ['\\\\*', Infinity],
  ['\\*', 1],
  ['a*', Infinity],
  ['(a+)b', Infinity],
  ['a{2,}', Infinity],
  ['(a*)?', Infinity],
  ['\\Qa*\\E', Infinity],
  ['(?:)*a', 1],
  ['a{1000}', 1000],
  ['{a}', 3],
];

describe('longestMatch', () => {
  it.each(CASES)('of %j is %d characters', (pattern, characters) => {
    expect(longestMatch(pattern)).toBe(characters * 4);
  });
});
