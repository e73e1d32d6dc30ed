import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type Balancer, type BalancerType, createBalancer, type Target, TargetSearch, TargetStore } from './index.ts';

const TYPES: readonly BalancerType[] = ['roundrobin', 'random', 'leastconn', 'twochoices'];

function targetsOf(...addresses: readonly string[]): Target[] {
  const store = new TargetStore();
  return addresses.map((address) => store.get(address, ''));
}

function numbered(count: number): Target[] {
  return targetsOf(...Array.from({ length: count }, (_, i) => `t${i}`));
}

/** A small deterministic generator (mulberry32), so that a statistical test cannot fail by chance. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const zero = (): number => 0;

/** A target in use. */
interface Lease {
  readonly target: Target;
  release(): void;
}

function select(balancer: Balancer, exclude: ReadonlySet<Target> | null = null): Lease | null {
  const search = new TargetSearch(balancer);
  for (const target of exclude ?? []) search.exclude(target);
  const target = search.next();
  return target === null ? null : { target, release: () => search.release() };
}

function take(balancer: Balancer, exclude: ReadonlySet<Target> | null = null): Lease {
  const lease = select(balancer, exclude);
  if (lease === null) throw new Error('no target was left');
  return lease;
}

/** The addresses of `count` requests one after the other. */
function sequence(balancer: Balancer, count: number): string {
  const addresses: string[] = [];
  for (let i = 0; i < count; i++) {
    const lease = take(balancer);
    addresses.push(lease.target.address);
    lease.release();
  }
  return addresses.join(' ');
}

describe.each(TYPES)('%s', (type) => {
  it('gives nothing without targets', () => {
    expect(select(createBalancer(type, []))).toBeNull();
  });

  it('gives the only target again and again', () => {
    expect(sequence(createBalancer(type, targetsOf('a')), 3)).toBe('a a a');
  });

  it('chooses no excluded target, whatever is left, and counts what it chose', () => {
    const check = (count: number, seed: number, excludedBits: number, requests: number): void => {
      const targets = numbered(count);
      const balancer = createBalancer(type, targets, { random: seeded(seed) });
      const exclude = new Set(targets.filter((_, i) => (excludedBits >> i) & 1));
      for (let i = 0; i < requests; i++) {
        const lease = select(balancer, exclude);
        if (exclude.size === count) expect(lease).toBeNull();
        else if (lease === null || exclude.has(lease.target)) expect.fail('an excluded target, or none, was chosen');
      }
      const busy = targets.reduce((sum, target) => sum + target.active, 0);
      expect(busy).toBe(exclude.size === count ? 0 : requests);
    };
    const parts = [
      fc.integer({ min: 1, max: 8 }),
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 1, max: 20 }),
    ] as const;
    fc.assert(fc.property(...parts, check), { numRuns: 10_000 });
  });

  it('spreads requests evenly', () => {
    const targets = numbered(10);
    const balancer = createBalancer(type, targets, { random: seeded(1) });
    const counts = new Map<string, number>();
    for (const address of sequence(balancer, 10_000).split(' ')) counts.set(address, (counts.get(address) ?? 0) + 1);
    for (const target of targets) {
      expect(counts.get(target.address)).toBeGreaterThan(850);
      expect(counts.get(target.address)).toBeLessThan(1150);
    }
  });

  it('draws a target with a random number just below 1', () => {
    expect(select(createBalancer(type, numbered(7), { random: () => 1 - Number.EPSILON / 2 }))).not.toBeNull();
  });
});

describe('roundrobin', () => {
  it('takes every target in turn', () => {
    expect(sequence(createBalancer('roundrobin', targetsOf('a', 'b', 'c'), { random: zero }), 7)).toBe('a b c a b c a');
  });

  it('begins at a random target', () => {
    expect(sequence(createBalancer('roundrobin', targetsOf('a', 'b', 'c'), { random: () => 0.5 }), 4)).toBe('b c a b');
  });

  it('passes over an excluded target', () => {
    const targets = targetsOf('a', 'b', 'c');
    const balancer = createBalancer('roundrobin', targets, { random: zero });
    expect(take(balancer, new Set([targets[0]])).target.address).toBe('b');
    expect(sequence(balancer, 3)).toBe('c a b');
  });
});

describe('leastconn', () => {
  it('chooses the target with the fewest leases', () => {
    const balancer = createBalancer('leastconn', targetsOf('a', 'b', 'c'), { random: zero });
    const leases = [take(balancer), take(balancer), take(balancer), take(balancer)];
    expect(leases.map((lease) => lease.target.address).join(' ')).toBe('a b c a');
    leases[2].release();
    expect(take(balancer).target.address).toBe('c');
    leases[0].release();
    leases[3].release();
    expect(take(balancer).target.address).toBe('a');
  });

  it('never lets counts differ by more than one while nothing is released, and gives equals their turn', () => {
    const check = (count: number, requests: number): void => {
      const targets = numbered(count);
      const balancer = createBalancer('leastconn', targets, { random: zero });
      for (let i = 0; i < requests; i++) expect(take(balancer).target.address).toBe(`t${i % count}`);
      const counts = targets.map((target) => target.active);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    };
    fc.assert(fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(40), check), { numRuns: 500 });
  });

  it('chooses a least busy target after any history', () => {
    const check = (count: number, steps: readonly number[]): void => {
      const targets = numbered(count);
      const balancer = createBalancer('leastconn', targets, { random: zero });
      const open: Lease[] = [];
      for (const step of steps) {
        if (step % 3 === 0 && open.length > 0) {
          open.splice(step % open.length, 1)[0].release();
        } else {
          const least = Math.min(...targets.map((target) => target.active));
          const lease = take(balancer);
          if (lease.target.active !== least + 1) expect.fail('a busier target was chosen');
          open.push(lease);
        }
      }
    };
    fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.nat(99), { maxLength: 40 }), check), {
      numRuns: 10_000,
    });
  });
});

describe('twochoices', () => {
  it('chooses the less busy of the two', () => {
    const [a, b] = targetsOf('a', 'b');
    const balancer = createBalancer('twochoices', [a, b], { random: zero });
    expect(take(balancer).target).toBe(a);
    expect(take(balancer).target).toBe(b);
  });

  it('keeps counts closer together than random does', () => {
    const widest = (type: BalancerType): number => {
      const targets = numbered(100);
      const balancer = createBalancer(type, targets, { random: seeded(7) });
      for (let i = 0; i < 10_000; i++) take(balancer);
      return Math.max(...targets.map((target) => target.active)) - 100;
    };
    expect(widest('twochoices')).toBeLessThanOrEqual(5);
    expect(widest('random')).toBeGreaterThan(10);
  });
});

describe('a lease', () => {
  it('counts from selection to release, once', () => {
    const [target] = targetsOf('a');
    const balancer = createBalancer('random', [target]);
    const first = take(balancer);
    const second = take(balancer);
    expect(target.active).toBe(2);
    first.release();
    first.release();
    expect(target.active).toBe(1);
    second.release();
    expect(target.active).toBe(0);
  });
});

describe('a new generation', () => {
  it('counts the leases of the old one for targets that stayed', () => {
    const store = new TargetStore();
    const old = createBalancer('leastconn', [store.get('a', ''), store.get('b', '')], { random: zero });
    const lease = take(old);
    const next = createBalancer('leastconn', [store.get('a', ''), store.get('c', '')], { random: zero, previous: old });
    expect(take(next).target.address).toBe('c');
    lease.release();
    expect(take(next).target.address).toBe('a');
  });

  it('goes on with the turn of the old one', () => {
    const store = new TargetStore();
    const list = (...addresses: readonly string[]): Target[] => addresses.map((address) => store.get(address, ''));
    const first = createBalancer('roundrobin', list('a', 'b', 'c'), { random: zero });
    expect(sequence(first, 1)).toBe('a');
    const second = createBalancer('roundrobin', list('x', 'a', 'b', 'c'), { random: zero, previous: first });
    expect(sequence(second, 1)).toBe('b');
    const third = createBalancer('leastconn', list('a', 'b', 'c'), { random: zero, previous: second });
    expect(sequence(third, 2)).toBe('c a');
  });

  it('begins anew when the next target is gone', () => {
    const first = createBalancer('roundrobin', targetsOf('a', 'b'), { random: zero });
    expect(sequence(createBalancer('roundrobin', targetsOf('c', 'd'), { random: () => 0.5, previous: first }), 2)).toBe(
      'd c',
    );
  });
});
