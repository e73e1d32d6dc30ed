import { describe, expect, it } from 'vitest';
import { CrashBackoff } from './crash-backoff.ts';

const delays = (uptimes: readonly number[]): number[] => {
  const backoff = new CrashBackoff();
  return uptimes.map((uptime) => backoff.ended(uptime));
};

describe('CrashBackoff', () => {
  it.each([
    ['ends after a while are made good at once', [1000, 5000, 1000, 1e9], [0, 0, 0, 0]],
    ['two early ends are no row yet', [10, 10], [0, 0]],
    ['from the third on, each waits twice as long', [0, 0, 0, 999, 0, 0], [0, 0, 1000, 2000, 4000, 8000]],
    [
      'up to half a minute',
      Array.from({ length: 10 }, () => 1),
      [0, 0, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
    ],
    ['one that serves for a while ends the row', [0, 0, 0, 60_000, 0, 0, 0], [0, 0, 1000, 0, 0, 0, 1000]],
  ])('%s', (_, uptimes, expected) => expect(delays(uptimes)).toEqual(expected));
});
