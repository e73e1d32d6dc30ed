import { describe, expect, it } from 'vitest';
import { periodOf } from './rotation-period.ts';

const at = (...parts: [number, number, number, number, number, number]): number => new Date(...parts).getTime();

describe('the period of a file', () => {
  it.each([
    ['daily', 'daily' as const, '2026-03-01', at(2026, 2, 2, 0, 0, 0)],
    ['hourly', 'hourly' as const, '2026-03-01-13', at(2026, 2, 1, 14, 0, 0)],
  ])('%s is one of the local clock', (_, frequency, label, end) => {
    expect(periodOf(frequency, at(2026, 2, 1, 13, 59, 59))).toEqual({ label, end });
    expect(periodOf(frequency, end).label).not.toBe(label);
    expect(periodOf(frequency, end - 1).label).toBe(label);
  });

  it('of a duration begins at its multiples', () => {
    const now = at(2026, 2, 1, 13, 7, 9);
    const { label, end } = periodOf(60_000, now);
    expect({ label, end }).toEqual({ label: '2026-03-01-130700', end: at(2026, 2, 1, 13, 8, 0) });
  });

  it('is for ever without a frequency', () => {
    expect(periodOf(null, 0)).toEqual({ label: null, end: Infinity });
  });
});
