import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { contentRange, MAX_RANGES, parseRanges } from './byte-ranges.ts';

/** Ranges as in Content-Range, `ignored` or `unsatisfiable`. */
function outcome(value: string, size: number): string {
  const ranges = parseRanges(value, size);
  if (ranges === null) return 'ignored';
  return ranges.length === 0 ? 'unsatisfiable' : ranges.map(({ start, end }) => `${start}-${end - 1}`).join(' ');
}

const CASES: readonly [value: string, size: number, outcome: string][] = [
  // The examples of RFC 9110 §14.1.2.
  ['bytes=0-499', 10_000, '0-499'],
  ['bytes=500-999', 10_000, '500-999'],
  ['bytes=-500', 10_000, '9500-9999'],
  ['bytes=9500-', 10_000, '9500-9999'],
  ['bytes=0-0,-1', 10_000, '0-0 9999-9999'],
  ['bytes= 0-0, -1', 10_000, '0-0 9999-9999'],
  ['bytes=500-600,601-999', 10_000, '500-600 601-999'],
  ['bytes=500-700,601-999', 10_000, '500-999'],
  ['bytes= 0-999, 4500-5499, -1000', 10_000, '0-999 4500-5499 9000-9999'],

  // Clipped to the size.
  ['bytes=0-', 5, '0-4'],
  ['bytes=0-99', 5, '0-4'],
  ['bytes=4-4', 5, '4-4'],
  ['bytes=-99', 5, '0-4'],
  ['bytes=0-99999999999999999999999999', 5, '0-4'],
  ['bytes=-99999999999999999999999999', 5, '0-4'],

  // Not satisfiable, or in part.
  ['bytes=5-', 5, 'unsatisfiable'],
  ['bytes=5-9', 5, 'unsatisfiable'],
  ['bytes=-0', 5, 'unsatisfiable'],
  ['bytes=7-8,9-10', 5, 'unsatisfiable'],
  ['bytes=7-8,1-2', 5, '1-2'],
  ['bytes=99999999999999999999999999-', 5, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-0', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'ignored'],

  // Lists.
  ['bytes=0-1,,3-4', 10, '0-1 3-4'],
  ['bytes=,0-1\t,\t', 10, '0-1'],
  ['bytes=8-9,0-1', 10, '8-9 0-1'],
  ['bytes=8-9,0-1,1-3', 10, '8-9 0-3'],
  ['bytes=0-,0-,0-,0-', 10, '0-9'],
  ['bytes=4-5,0-9', 10, '0-9'],
  ['BYTES=0-1', 10, '0-1'],

  // Ignored.
  ['', 10, 'ignored'],
  ['bytes', 10, 'ignored'],
  ['bytes=', 10, 'ignored'],
  ['bytes=,', 10, 'ignored'],
  ['bytes=-', 10, 'ignored'],
  ['bytes=2-1', 10, 'ignored'],
  ['bytes=0-1,2-1', 10, 'ignored'],
  ['bytes=a-b', 10, 'ignored'],
  ['bytes=0x1-2', 10, 'ignored'],
  ['bytes=1 - 2', 10, 'ignored'],
  ['bytes=+1-2', 10, 'ignored'],
  ['bytes=1.5-2', 10, 'ignored'],
  ['bytes=--1', 10, 'ignored'],
  ['bytes=0-1;2-3', 10, 'ignored'],
  ['items=0-1', 10, 'ignored'],
  ['bytes:0-1', 10, 'ignored'],
  ['bytes=0-1,bytes=2-3', 10, 'ignored'],
];

describe('parseRanges', () => {
  it.each(CASES)('%j of %d bytes: %s', (value, size, expected) => {
    expect(outcome(value, size)).toBe(expected);
  });

  it('ignores more ranges than MAX_RANGES, satisfiable or not', () => {
    const list = (count: number): string =>
      `bytes=${Array.from({ length: count }, (_, i) => `${i * 2}-${i * 2}`).join()}`;
    expect(parseRanges(list(MAX_RANGES), 1000)).toHaveLength(MAX_RANGES);
    expect(parseRanges(list(MAX_RANGES + 1), 1000)).toBeNull();
    expect(parseRanges(list(MAX_RANGES + 1), 1)).toBeNull();
  });

  it('never gives a byte twice, nor one that is not there, nor leaves one out', () => {
    const spec = fc.oneof(
      fc
        .tuple(fc.nat(60), fc.nat(60))
        .map(([a, b]) => ({ text: `${Math.min(a, b)}-${Math.max(a, b)}`, from: Math.min(a, b), to: Math.max(a, b) })),
      fc.nat(60).map((a) => ({ text: `${a}-`, from: a, to: Infinity })),
      fc.nat(60).map((n) => ({ text: `-${n}`, from: -n, to: Infinity })),
    );
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (specs, size) => {
        const wanted = new Set<number>();
        for (const { text, from, to } of specs) {
          const first = text.startsWith('-') ? (from === 0 ? size : Math.max(0, size + from)) : from;
          for (let i = first; i <= Math.min(to, size - 1); i++) wanted.add(i);
        }
        const given: number[] = [];
        for (const { start, end } of parseRanges(`bytes=${specs.map(({ text }) => text).join(',')}`, size) ?? []) {
          expect(start).toBeLessThan(end);
          for (let i = start; i < end; i++) given.push(i);
        }
        expect(given.toSorted((a, b) => a - b)).toEqual([...wanted].toSorted((a, b) => a - b));
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('contentRange', () => {
  it('counts the last byte in', () => {
    expect(contentRange({ start: 0, end: 500 }, 1234)).toBe('bytes 0-499/1234');
  });
});
