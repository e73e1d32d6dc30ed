import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Rate } from './event-rate.ts';

describe('a rate', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'], now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const times = (rate: Rate, count: number): boolean[] => Array.from({ length: count }, () => rate.exceeded());

  it('is exceeded by the first event beyond its limit', () => {
    expect(times(new Rate(3), 5)).toEqual([false, false, false, true, true]);
  });

  it('begins anew after a second, and not before', () => {
    const rate = new Rate(2);
    vi.advanceTimersByTime(5000);
    expect(times(rate, 2)).toEqual([false, false]);
    vi.advanceTimersByTime(999);
    expect(times(rate, 1)).toEqual([true]);
    vi.advanceTimersByTime(1);
    expect(times(rate, 3)).toEqual([false, false, true]);
  });

  it('allows nothing with a limit of 0', () => {
    expect(times(new Rate(0), 1)).toEqual([true]);
  });
});
