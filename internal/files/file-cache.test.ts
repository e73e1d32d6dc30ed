import { describe, expect, it } from 'vitest';

import type { ServeCacheConfig } from '../config/index.ts';
import { CachedFile } from './cached-file.ts';
import { ENTRY_BYTES, FileCache, REPRESENTATION_BYTES } from './file-cache.ts';
import { CODINGS } from './precompressed.ts';
import { Representation } from './representation.ts';

/** Room for so many files with names of one letter, without contents. */
const entries = (count: number): number => count * (ENTRY_BYTES + REPRESENTATION_BYTES + 2);

/** A cache under a clock that only the test moves. */
class Clock {
  time = 0;
  readonly cache: FileCache;

  constructor(limits: Partial<ServeCacheConfig>) {
    const all = { size: entries(3), maxFileSize: 1000, maxAge: 1000, ...limits };
    this.cache = new FileCache(all, () => this.time);
  }

  put(name: string): CachedFile {
    const file = new CachedFile(name, [representation(100)], this.time);
    this.cache.put(file);
    return file;
  }

  /** The files that are there, as one text. */
  get names(): string {
    return 'abcdefgh'
      .split('')
      .filter((name) => this.cache.known(name) !== null)
      .join('');
  }
}

function representation(size: number, coding = null as Representation['coding']): Representation {
  const state = { size: BigInt(size), mtimeNs: 10n ** 18n, ctimeNs: 1n, ino: 1n, dev: 1n };
  return new Representation(state, coding, 'text/plain', false, 0);
}

describe('FileCache', () => {
  it('gives a file for max_age after it was looked at, and not longer', () => {
    const clock = new Clock({ maxAge: 1000 });
    const file = clock.put('a');
    clock.time = 999;
    expect(clock.cache.fresh('a')).toBe(file);
    clock.time = 1000;
    expect(clock.cache.fresh('a')).toBeNull();
    expect(clock.cache.known('a')).toBe(file);
    file.checkedAt = 1000;
    expect(clock.cache.fresh('a')).toBe(file);
  });

  it('throws out what was not used for the longest, and no more than it has to', () => {
    const clock = new Clock({ maxAge: 10_000 });
    for (const name of 'abc') clock.put(name);
    clock.time = 1;
    clock.cache.fresh('a');
    clock.time = 5000;
    clock.put('d');
    expect(clock.names).toBe('acd');
    clock.put('e');
    expect(clock.names).toBe('ade');
    expect([clock.cache.count, clock.cache.used]).toEqual([3, entries(3)]);
  });

  it('keeps what is in use, rather than throw all out in turn', () => {
    const clock = new Clock({ size: entries(2) });
    for (let round = 0; round < 5; round++) {
      for (const name of 'abcd') {
        clock.time += 100;
        if (clock.cache.fresh(name) === null) clock.put(name);
        const known = clock.cache.known(name);
        if (known !== null) known.checkedAt = clock.time;
      }
    }
    expect(clock.names).toBe('ab');
  });

  it('takes a file in, in place of the one before', () => {
    const clock = new Clock({});
    const before = clock.put('a');
    const after = clock.put('a');
    expect([before.cached, clock.cache.known('a') === after, clock.cache.count]).toEqual([false, true, 1]);
    expect(clock.cache.used).toBe(entries(1));
  });

  it('takes in a file that has contents already, and counts them once', () => {
    const clock = new Clock({});
    const file = new CachedFile('a', [representation(100)], 0);
    clock.cache.hold(file);
    expect([clock.cache.reserve(file, 100), clock.cache.used]).toEqual([true, 100]);
    clock.cache.put(file);
    clock.cache.release(file);
    expect(clock.cache.used).toBe(entries(1) + 100);
    clock.cache.drop(file);
    expect(clock.cache.used).toBe(0);
    expect(clock.cache.reserve(file, 100)).toBe(false);
  });

  it('counts contents off that had no place when they came', () => {
    const clock = new Clock({ size: entries(2) });
    const file = new CachedFile('x'.repeat(2000), [representation(100)], 0);
    clock.cache.hold(file);
    clock.cache.reserve(file, 1000);
    clock.cache.put(file);
    clock.cache.release(file);
    expect([file.cached, clock.cache.used]).toEqual([false, 0]);
  });

  it('throws out by name what was not looked at later', () => {
    const clock = new Clock({});
    clock.time = 5;
    clock.put('a');
    clock.cache.dropOlder('a', 4);
    clock.cache.dropOlder('b', 9);
    expect(clock.names).toBe('a');
    clock.cache.dropOlder('a', 5);
    expect(clock.names).toBe('');
  });

  it('counts long names', () => {
    const clock = new Clock({ size: entries(3) });
    clock.put('x'.repeat(5000));
    expect(clock.cache.count).toBe(0);
    expect(clock.cache.used).toBe(0);
  });

  it('has room for contents as far as it goes', () => {
    const clock = new Clock({ size: entries(2) + 1000 });
    const [a, b] = [clock.put('a'), clock.put('b')];
    expect([clock.cache.reserve(a, 600), clock.cache.reserve(b, 600)]).toEqual([true, false]);
    clock.time = 5000;
    expect(clock.cache.fresh('b')).toBeNull();
    expect(clock.cache.reserve(b, 600)).toBe(true);
    expect([clock.names, clock.cache.used]).toEqual(['b', entries(1) + 600]);
    clock.cache.hold(b);
    clock.cache.unreserve(b, 600);
    clock.cache.release(b);
    expect(clock.cache.used).toBe(entries(1));
  });

  it('does not throw a file out to make room for itself', () => {
    const clock = new Clock({ size: entries(1) + 1000 });
    const a = clock.put('a');
    clock.time = 5000;
    expect(clock.cache.reserve(a, 2000)).toBe(false);
    expect(clock.cache.used).toBeLessThanOrEqual(entries(1));
  });

  it('counts contents that responses still send after the file has gone', () => {
    const clock = new Clock({ size: entries(1) + 1000 });
    const a = clock.put('a');
    clock.cache.reserve(a, 1000);
    clock.cache.hold(a);
    clock.cache.hold(a);
    clock.time = 5000;
    clock.put('b');
    expect([clock.names, clock.cache.used]).toEqual(['', entries(1) + 1000]);
    clock.cache.release(a);
    expect(clock.cache.used).toBe(entries(1) + 1000);
    clock.cache.release(a);
    expect(clock.cache.used).toBe(0);
    clock.put('b');
    expect(clock.names).toBe('b');
  });

  it.each([
    [1000, 5000, true],
    [1001, 5000, false],
    [1000, 999, false],
  ])('may hold %d bytes, of a size of %d: %s', (bytes, size, may) => {
    const clock = new Clock({ size });
    expect(clock.cache.mayHold(representation(bytes))).toBe(may);
  });

  it('stays within its bound, whatever is asked of it', () => {
    const clock = new Clock({ size: entries(5) });
    const held: CachedFile[] = [];
    for (let step = 0; step < 5000; step++) {
      clock.time += (step * 7919) % 1500;
      const file = clock.put('abcdefgh'[(step * 31) % 8]);
      clock.cache.reserve(file, (step * 101) % 4000);
      if (step % 3 === 0) {
        clock.cache.hold(file);
        held.push(file);
      }
      if (held.length > 3) clock.cache.release(held.shift() as CachedFile);
      expect(clock.cache.used).toBeLessThanOrEqual(entries(5));
    }
    for (const file of held) clock.cache.release(file);
    clock.time += 100_000;
    for (const name of 'abcdefgh') {
      const file = clock.cache.known(name);
      if (file !== null) clock.cache.drop(file);
    }
    expect([clock.cache.count, clock.cache.used]).toEqual([0, 0]);
  });
});

describe('CachedFile', () => {
  const [br, , gzip] = CODINGS;
  const file = new CachedFile('a', [representation(9), representation(5, br), representation(7, gzip)], 0);
  const CASES: readonly [acceptEncoding: string | null, sizes: number[]][] = [
    [null, [9]],
    ['gzip', [7, 9]],
    ['gzip', [7, 9]],
    ['br, gzip', [5, 7, 9]],
    ['gzip, br;q=0.5', [7, 5, 9]],
    [null, [9]],
    ['zstd', [9]],
    [`gzip${' '.repeat(500)}`, [7, 9]],
    ['br', [5, 9]],
  ];

  it('ranks its representations for each client, whatever the client before', () => {
    const seen = CASES.map(([value]) => [value, file.ranked(value).map(({ size }) => size)]);
    expect(seen).toEqual(CASES);
  });
});
