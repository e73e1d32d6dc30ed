import { describe, expect, it } from 'vitest';
import { IdleLifetime } from './idle-lifetime.ts';

const MINUTE = 60_000;

describe('the idle time of an upstream', () => {
  it('is not known at first: no connection is taken for one that ends', () => {
    expect(new IdleLifetime().mayEnd(50_000, 0)).toBe(false);
  });

  it('is learnt from one close: connections shortly before it may end, younger ones do not', () => {
    const lifetime = new IdleLifetime();
    lifetime.closed(5000, 0);
    expect([0, 4000, 4600].map((idleFor) => lifetime.mayEnd(idleFor, 1))).toEqual([false, false, false]);
    expect([4700, 5000, 60_000].map((idleFor) => lifetime.mayEnd(idleFor, 1))).toEqual([true, true, true]);
  });

  it('is the shortest that was seen', () => {
    const lifetime = new IdleLifetime();
    for (const idleFor of [5000, 4000, 6000]) lifetime.closed(idleFor, 0);
    expect(lifetime.mayEnd(3900, 1)).toBe(true);
    expect(lifetime.mayEnd(3600, 1)).toBe(false);
  });

  it('of almost nothing makes every connection one that may end', () => {
    const lifetime = new IdleLifetime();
    lifetime.closed(2, 0);
    expect(lifetime.mayEnd(0, 1)).toBe(true);
  });

  it('that a connection outlives was none, and what was learnt before a restart holds again', () => {
    const lifetime = new IdleLifetime();
    lifetime.closed(5000, 0);
    for (const idleFor of [3, 20, 700]) lifetime.closed(idleFor, MINUTE);
    expect(lifetime.mayEnd(600, MINUTE)).toBe(true);
    lifetime.survived(900);
    expect(lifetime.mayEnd(900, MINUTE)).toBe(false);
    expect(lifetime.mayEnd(4900, MINUTE)).toBe(true);
  });

  it('is not disproved by a connection that outlives it by what a clock may be off', () => {
    const lifetime = new IdleLifetime();
    lifetime.closed(5000, 0);
    lifetime.survived(5200);
    expect(lifetime.mayEnd(5000, 1)).toBe(true);
  });

  it('is forgotten when the upstream does not do it again', () => {
    const lifetime = new IdleLifetime();
    lifetime.closed(5000, 0);
    expect(lifetime.mayEnd(5000, 9 * MINUTE)).toBe(true);
    expect(lifetime.mayEnd(5000, 11 * MINUTE)).toBe(false);
  });

  it('takes the same memory however often the upstream closes, and goes by what it did last', () => {
    const lifetime = new IdleLifetime();
    lifetime.closed(100, 0);
    for (let i = 0; i < 8; i++) lifetime.closed(5000, i);
    expect(lifetime.mayEnd(1000, 9)).toBe(false);
  });
});
