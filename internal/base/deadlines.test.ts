import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from './deadlines.ts';

/** A wheel on a clock that the test moves, in steps as the interval would. */
function wheel() {
  let time = 1000;
  const deadlines = new Deadlines(() => time);
  return {
    deadlines,
    advance(milliseconds: number) {
      for (let left = milliseconds; left > 0; left -= 50) {
        time += Math.min(50, left);
        deadlines.tick();
      }
    },
    jump(milliseconds: number) {
      time += milliseconds;
      deadlines.tick();
    },
  };
}

describe('Deadlines', () => {
  it('expires once, not before its time and at most three ticks late', () => {
    const { deadlines, advance } = wheel();
    let expired = 0;
    const deadline = deadlines.create(() => expired++);
    deadlines.set(deadline, 200);
    advance(200);
    expect(expired).toBe(0);
    advance(100);
    expect(expired).toBe(1);
    advance(100_000);
    expect(expired).toBe(1);
  });

  it('moves later without expiring, and earlier when asked to', () => {
    const { deadlines, advance } = wheel();
    let expired = 0;
    const deadline = deadlines.create(() => expired++);
    deadlines.set(deadline, 200);
    advance(150);
    deadlines.set(deadline, 1000);
    advance(900);
    expect(expired).toBe(0);
    deadlines.set(deadline, 100);
    advance(200);
    expect(expired).toBe(1);
  });

  it('reaches deadlines beyond one turn of the wheel', () => {
    const { deadlines, advance } = wheel();
    let expired = 0;
    deadlines.set(
      deadlines.create(() => expired++),
      120_000,
    );
    advance(119_900);
    expect(expired).toBe(0);
    advance(300);
    expect(expired).toBe(1);
  });

  it('forgets what was cleared or removed, and can set it again', () => {
    const { deadlines, advance } = wheel();
    let expired = 0;
    const deadline = deadlines.create(() => expired++);
    deadlines.set(deadline, 100);
    deadlines.clear(deadline);
    advance(500);
    expect(expired).toBe(0);
    deadlines.set(deadline, 100);
    deadlines.remove(deadline);
    advance(500);
    expect(expired).toBe(0);
    deadlines.set(deadline, 100);
    advance(200);
    expect(expired).toBe(1);
  });

  it('lets an expired owner remove its neighbours', () => {
    const { deadlines, advance } = wheel();
    const order: string[] = [];
    const second = deadlines.create(() => order.push('second'));
    const first = deadlines.create(() => {
      order.push('first');
      deadlines.remove(second);
    });
    deadlines.set(second, 100);
    deadlines.set(first, 100);
    advance(300);
    expect(order).toEqual(['first']);
  });

  it('catches up after a pause of the whole process', () => {
    const { deadlines, jump } = wheel();
    let expired = 0;
    for (let i = 1; i <= 100; i++)
      deadlines.set(
        deadlines.create(() => expired++),
        i * 700,
      );
    jump(3_600_000);
    expect(expired).toBe(100);
  });

  it('expires whatever is set, moved and cleared in whatever order, never early and within 150 ms', () => {
    const step = fc.record({
      owner: fc.nat(5),
      milliseconds: fc.integer({ min: 0, max: 40_000 }),
      advance: fc.integer({ min: 0, max: 30_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let time = 0;
        const deadlines = new Deadlines(() => time);
        const wanted = Array.from({ length: 6 }, () => 0);
        const owners = wanted.map((_, i) =>
          deadlines.create(() => {
            expect(wanted[i]).toBeGreaterThan(0);
            expect(time).toBeGreaterThanOrEqual(wanted[i] ?? 0);
            expect(time - (wanted[i] ?? 0)).toBeLessThanOrEqual(150);
            wanted[i] = 0;
          }),
        );
        const pass = (milliseconds: number) => {
          for (const until = time + milliseconds; time < until;) {
            time = Math.min(until, time + 50);
            deadlines.tick();
          }
        };
        for (const { owner, milliseconds, advance } of steps) {
          deadlines.tick();
          deadlines.set(owners[owner], milliseconds);
          wanted[owner] = milliseconds === 0 ? 0 : time + milliseconds;
          pass(advance);
        }
        pass(80_000);
        expect(wanted).toEqual([0, 0, 0, 0, 0, 0]);
      }),
      { numRuns: 500 },
    );
  });
});
