import { describe, expect, it } from 'vitest';

import { compare, comparisonTable, middle, type Samples } from './comparison.ts';

const samples = (rows: Record<string, number[]>): Samples => new Map(Object.entries(rows));

describe('middle', () => {
  it.each([
    { values: [3, 1, 2], expected: 2 },
    { values: [4, 1, 2, 3], expected: 2.5 },
    { values: [], expected: Number.NaN },
  ])('of $values is $expected', ({ values, expected }) => {
    expect(middle(values)).toBe(expected);
  });
});

describe('compare', () => {
  it.each([
    { why: 'a difference within the spread of before', before: [100, 110, 120], after: [118, 119, 120], says: 'same' },
    { why: 'a difference within the spread of after', before: [100, 100, 100], after: [99, 105, 120], says: 'same' },
    { why: 'a difference as large as the spread', before: [100, 105, 110], after: [115, 115, 115], says: 'same' },
    { why: 'a median above both spreads', before: [100, 101, 102], after: [110, 111, 112], says: 'slower' },
    { why: 'a median below both spreads', before: [110, 111, 112], after: [100, 101, 102], says: 'faster' },
    { why: 'a row that the change brings', before: [], after: [1, 2, 3], says: 'only after' },
    { why: 'a row that the change takes away', before: [1, 2, 3], after: [], says: 'only before' },
  ])('finds $says for $why', ({ before, after, says }) => {
    const [row] = compare(samples({ row: before }), samples({ row: after }));
    expect(row.verdict).toBe(says);
  });

  it('divides the medians, and takes the spread from all processes', () => {
    const [row] = compare(samples({ row: [200, 100, 120] }), samples({ row: [60, 50, 90] }));
    expect(row).toMatchObject({ before: 120, after: 60, ratio: 0.5, spreadBefore: 100, spreadAfter: 40 });
  });

  it('keeps the order of after, and names at the end what has gone', () => {
    const rows = compare(samples({ gone: [1], b: [1] }), samples({ b: [1], a: [1] }));
    expect(rows.map(({ name, verdict }) => `${name}: ${verdict}`)).toEqual([
      'b: same',
      'a: only after',
      'gone: only before',
    ]);
  });
});

describe('comparisonTable', () => {
  it('marks what exceeds the spread, and nothing else', () => {
    const before = samples({ steady: [50, 51], worse: [100, 101], gone: [7] });
    const after = samples({ steady: [50, 51], worse: [150, 151] });
    const lines = comparisonTable(compare(before, after)).split('\n');
    expect(lines.map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'CPU, ns an operation before after ratio',
      'steady 50.5 ( 2 %) 50.5 ( 2 %) 1.00',
      'worse 101 ( 1 %) 151 ( 1 %) 1.50 ▲ slower',
      'gone 7.0 ( 0 %) – – only before',
    ]);
  });
});
