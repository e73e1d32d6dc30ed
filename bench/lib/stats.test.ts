import { describe, expect, test } from 'vitest';

const { median, percentile, spread } = await import(new URL('stats.mjs', import.meta.url).href);
const { timesOf } = await import(new URL('load.mjs', import.meta.url).href);

describe('median', () => {
  test.each([
    [[3], 3],
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[100, 9, 20], 20],
  ])('%j has %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  test('leaves the order of what it is given', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

test.each([
  [[5], 0],
  [[9, 10, 11], 0.2],
  [[0, 0, 0], 0],
])('the spread of %j is %d of the median', (values, expected) => {
  expect(spread(values)).toBeCloseTo(expected);
});

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  test.each([
    [hundred, 0.5, 50],
    [hundred, 0.99, 99],
    [hundred, 0.999, 100],
    [[7], 0.5, 7],
    [[1, 2], 0.5, 1],
  ])('of %j at %d', (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });
});

test('times of answers are sorted as numbers', () => {
  const log = ['1\t200\t1000', '2\t200\t9', '3\t200\t200', ''].join('\n');
  expect(timesOf(log)).toEqual({ p50: 200, p99: 1000, p999: 1000, max: 1000 });
});
