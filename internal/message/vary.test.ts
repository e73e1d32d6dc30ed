import { describe, expect, it } from 'vitest';

import { weakened } from './entity-tag.ts';
import { Fields } from './fields.ts';
import { addToVary } from './vary.ts';

const CASES: readonly [before: readonly string[], after: string][] = [
  [[], 'Accept-Encoding'],
  [[''], 'Accept-Encoding'],
  [['Origin'], 'Origin, Accept-Encoding'],
  [['Origin', 'Cookie'], 'Origin, Cookie, Accept-Encoding'],
  [['accept-encoding'], 'accept-encoding'],
  [['Origin,ACCEPT-ENCODING'], 'Origin,ACCEPT-ENCODING'],
  [['*'], '*'],
  [['X-Accept-Encoding'], 'X-Accept-Encoding, Accept-Encoding'],
];

describe('addToVary', () => {
  it.each(CASES)('%j becomes %j', (before, after) => {
    const fields = Fields.of(before.map((value) => ['vary', value] as const));
    addToVary(fields, 'Accept-Encoding');
    expect(fields.get('Vary')).toBe(after);
  });
});

describe('weakened', () => {
  it('marks a strong tag, and leaves a weak one', () => {
    expect([weakened('"a"'), weakened('W/"a"')]).toEqual(['W/"a"', 'W/"a"']);
  });
});
