import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GcraRule } from './gcra-rule.ts';
import { rateRule } from './key-counts.ts';
import type { RateRule } from './rate-rule.ts';
import { WindowRule } from './window-rule.ts';

/** Steps of a test: milliseconds that pass, and requests that come then. */
const STEPS = fc.array(fc.tuple(fc.nat(700), fc.integer({ min: 1, max: 12 })), { minLength: 1, maxLength: 40 });

/** Times of the admitted requests, when each that comes is admitted if one is left. */
function admitted<S>(rule: RateRule<S>, steps: [number, number][]): number[] {
  const times: number[] = [];
  let now = 1000;
  let state: S | null = null;
  for (const [pause, requests] of steps) {
    now += pause;
    state ??= rule.begin(now);
    for (let i = 0; i < requests; i++) {
      if (rule.left(state, now) < 1) continue;
      rule.take(state, 1, now);
      times.push(now);
    }
  }
  return times;
}

describe('the window', () => {
  it('admits what its definition says, counted from the times of all admissions', () => {
    const options = fc.record({
      max: fc.integer({ min: 1, max: 20 }),
      interval: fc.integer({ min: 50, max: 1000 }),
      weight: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(options, STEPS, ({ max, interval, weight }, steps) => {
        // The model keeps every admission, and the begin of every window.
        const expected: number[] = [];
        let now = 1000;
        let start: number | null = null;
        for (const [pause, requests] of steps) {
          now += pause;
          start ??= now;
          if (now - start >= 2 * interval) start = now;
          if (now - start >= interval) start += interval;
          for (let i = 0; i < requests; i++) {
            const from = start;
            const current = expected.filter((time) => time >= from).length;
            const previous = expected.filter((time) => time >= from - interval && time < from).length;
            const share = Math.min(1, 2 * (1 - weight / 100) * (1 - (now - from) / interval));
            if (current + Math.floor(previous * share) + 1 <= max) expected.push(now);
          }
        }
        expect(admitted(new WindowRule({ max, interval, weight }), steps)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('admits max in its first window, and as many in the next ones, never twice as many', () => {
    for (const weight of [0, 10, 50, 90]) {
      const rule = new WindowRule({ max: 100, interval: 1000, weight });
      const steps = Array.from({ length: 4000 }, (_, i): [number, number] => [i === 0 ? 0 : 1, 1]);
      const times = admitted(rule, steps);
      for (let window = 0; window < 4; window++) {
        const from = 1000 + window * 1000;
        const count = times.filter((time) => time >= from && time < from + 1000).length;
        expect(count, `weight ${weight}, window ${window}`).toBeGreaterThanOrEqual(98);
        expect(count).toBeLessThanOrEqual(100);
      }
    }
  });

  it('is a fixed window at weight 100, and holds for intervals below a second', () => {
    expect(
      admitted(new WindowRule({ max: 2, interval: 100, weight: 100 }), [
        [0, 5],
        [99, 5],
        [1, 5],
        [99, 5],
      ]),
    ).toEqual([1000, 1000, 1100, 1100]);
  });

  it('takes back what was not used, in the window that it was taken in', () => {
    const rule = new WindowRule({ max: 10, interval: 100, weight: 50 });
    const state = rule.begin(0);
    rule.take(state, 10, 0);
    const stamp = rule.stampOf(state, 0);
    rule.giveBack(state, 4, stamp, 50);
    expect(rule.left(state, 50)).toBe(4);
    rule.giveBack(state, 4, stamp, 100);
    expect(rule.left(state, 100)).toBe(8);
    rule.giveBack(state, 2, stamp, 200);
    expect(rule.left(state, 200)).toBe(10);
  });
});

describe('the generic cell rate algorithm', () => {
  it('admits what a bucket admits that is filled drop by drop', () => {
    const options = fc.record({
      max: fc.integer({ min: 1, max: 20 }),
      // A multiple of each max, so that the model counts in whole milliseconds.
      spacing: fc.integer({ min: 1, max: 200 }),
      burst: fc.integer({ min: 1, max: 15 }),
    });
    fc.assert(
      fc.property(options, STEPS, ({ max, spacing, burst }, steps) => {
        const expected: number[] = [];
        let level = burst * spacing;
        let now = 1000;
        for (const [pause, requests] of steps) {
          now += pause;
          level = Math.min(burst * spacing, level + pause);
          for (let i = 0; i < requests; i++) {
            if (level < spacing) continue;
            level -= spacing;
            expected.push(now);
          }
        }
        expect(admitted(new GcraRule({ max, interval: max * spacing, burst }), steps)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes back what was not used', () => {
    const rule = new GcraRule({ max: 10, interval: 1000, burst: 5 });
    const state = rule.begin(0);
    rule.take(state, 5, 0);
    expect(rule.left(state, 0)).toBe(0);
    rule.giveBack(state, 2);
    expect(rule.left(state, 0)).toBe(2);
  });
});

it.each(['window', 'gcra'] as const)('%s says exactly how long to wait, and when all is free again', (algorithm) => {
  const options = fc.record({
    max: fc.integer({ min: 1, max: 50 }),
    interval: fc.integer({ min: 10, max: 5000 }),
    weight: fc.integer({ min: 0, max: 100 }),
    burst: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(options, STEPS, (choice, steps) => {
      const rule = rateRule({ algorithm, ...choice });
      let now = 1000;
      const state = rule.begin(now);
      for (const [pause, requests] of steps) {
        now += pause;
        rule.take(state, Math.min(requests, rule.left(state, now)), now);
        const wait = rule.wait(state, now);
        if (rule.left(state, now) > 0) {
          expect(wait).toBe(0);
          continue;
        }
        expect(wait).toBeGreaterThan(0);
        const { ...early } = state as object;
        if (wait > 0.01) expect(rule.left(early, now + wait - 0.01)).toBe(0);
        const { ...late } = state as object;
        expect(rule.left(late, now + wait + 0.01)).toBeGreaterThan(0);
        const { ...free } = state as object;
        const all = algorithm === 'gcra' ? choice.burst : choice.max;
        expect(rule.left(free, now + rule.reset(state, now) + 0.01)).toBe(all);
      }
    }),
    { numRuns: 1000 },
  );
});
