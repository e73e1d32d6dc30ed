import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IsoClock } from './timestamp.ts';

describe('IsoClock', () => {
  it('formats as Date does, whatever was formatted before', () => {
    const clock = new IsoClock();
    // Steps rather than times, so that neighbours share a second or a millisecond now and then.
    const steps = fc.array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.integer({ min: -2000, max: 2000 })));
    fc.assert(
      fc.property(fc.integer({ min: -4e12, max: 4e12 }), steps, (start, moves) => {
        let time = start;
        for (const move of moves) {
          time += move;
          expect(clock.format(time)).toBe(new Date(time).toISOString());
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([NaN, Infinity, -Infinity, 8.64e15 + 1])('formats %d, which is no time, as 1970', (time) => {
    const clock = new IsoClock();
    expect(clock.format(time)).toBe('1970-01-01T00:00:00.000Z');
    expect(clock.format(1_772_366_400_250.9)).toBe('2026-03-01T12:00:00.250Z');
  });
});
