import { describe, expect, it } from 'vitest';

import { acceptsCoding, chooseCodings, codingName } from './content-codings.ts';

/** In the order of preference. */
const CODINGS = [{ name: 'br' }, { name: 'zstd' }, { name: 'gzip' }];

const CASES: readonly [acceptEncoding: string | null, available: string, chosen: string][] = [
  [null, 'br gzip', ''],
  ['', 'br gzip', ''],
  ['gzip', 'br gzip', 'gzip'],
  ['gzip', 'br', ''],
  ['br', '', ''],
  ['gzip, deflate, br, zstd', 'br zstd gzip', 'br zstd gzip'],
  ['gzip, br', 'gzip', 'gzip'],
  ['br;q=0.5, gzip;q=0.8', 'br gzip', 'gzip br'],
  ['br;q=0.5, gzip;q=0.500', 'br gzip', 'br gzip'],
  ['br ; q=1.0,gzip\t;\tQ=0', 'br gzip', 'br'],
  ['GZIP', 'gzip', 'gzip'],
  ['x-gzip', 'gzip', 'gzip'],
  ['gzip;q=0', 'gzip', ''],
  ['*', 'br gzip', 'br gzip'],
  ['*;q=0', 'br gzip', ''],
  ['*, br;q=0', 'br gzip', 'gzip'],
  ['gzip, *;q=0', 'br gzip', 'gzip'],
  // The original is weighed as well.
  ['identity, gzip;q=0.5', 'gzip', ''],
  ['identity;q=0.5, gzip', 'gzip', 'gzip'],
  ['identity, gzip', 'gzip', 'gzip'],
  ['gzip;q=0.1', 'gzip', 'gzip'],
  ['gzip;q=0.1, *;q=0.5', 'gzip', ''],
  ['identity;q=0, gzip;q=0.1', 'gzip', 'gzip'],
  ['identity;q=0', 'gzip', ''],
  // Malformed members count for nothing.
  ['gzip;q=2, br', 'br gzip', 'br'],
  ['gzip;q=, br', 'br gzip', 'br'],
  ['gzip;level=9', 'gzip', ''],
  ['gzip;q=0.1234', 'gzip', ''],
  ['constructor, __proto__', 'gzip', ''],
  [',,gzip,,', 'gzip', 'gzip'],
];

describe('chooseCodings', () => {
  it.each(CASES)('%j of %j: %j', (acceptEncoding, available, chosen) => {
    const there = CODINGS.filter(({ name }) => available.split(' ').includes(name));
    expect(
      chooseCodings(acceptEncoding, there)
        .map(({ name }) => name)
        .join(' '),
    ).toBe(chosen);
  });
});

const ACCEPTED: readonly [acceptEncoding: string | null, name: string, accepted: boolean][] = [
  [null, 'gzip', false],
  ['', 'gzip', false],
  ['gzip', 'gzip', true],
  ['x-gzip', 'gzip', true],
  ['br', 'gzip', false],
  ['gzip;q=0', 'gzip', false],
  ['*', 'br', true],
  ['*;q=0', 'br', false],
  ['br;q=0, *', 'br', false],
  ['gzip;q=0.001', 'gzip', true],
];

describe('acceptsCoding', () => {
  it.each(ACCEPTED)('%j takes %s: %j', (acceptEncoding, name, accepted) => {
    expect(acceptsCoding(acceptEncoding, name)).toBe(accepted);
  });
});

describe('codingName', () => {
  it('is the name in lower case, and gzip for x-gzip', () => {
    expect([' BR ', 'X-GZip', 'identity'].map(codingName)).toEqual(['br', 'gzip', 'identity']);
  });
});
