import { describe, expect, it } from 'vitest';
import type { Filter } from './exchange.ts';
import { compileFilters } from './filter-chain.ts';

const names = (filters: readonly unknown[] | null): string =>
  filters === null ? 'none' : filters.map((filter) => (filter as { name: string }).name).join(' ');

function filter(name: string, ...phases: readonly (keyof Filter)[]): Filter {
  return Object.assign({ name }, Object.fromEntries(phases.map((phase) => [phase, () => null]))) as Filter;
}

describe('a chain of filters', () => {
  it('is nothing without filters', () => {
    expect(compileFilters([])).toBeNull();
  });

  it('holds each phase apart, and null where no filter has it', () => {
    const chain = compileFilters([filter('a', 'onRequest'), filter('b', 'onRequest', 'onEnd')]);
    expect(names(chain?.onRequest ?? null)).toBe('a b');
    expect(names(chain?.onEnd ?? null)).toBe('b');
    expect(chain?.onUpstreamRequest).toBeNull();
  });

  it('runs the phases of the response in the reverse order', () => {
    const all = [
      'onRequest',
      'onSelectTarget',
      'onUpstreamRequest',
      'onUpstreamResponse',
      'onResponse',
      'onEnd',
    ] as const;
    const chain = compileFilters([filter('service', ...all), filter('action', ...all), filter('route', ...all)]);
    const orders = all.map((phase) => names(chain?.[phase] ?? null));
    const inward = 'service action route';
    const outward = 'route action service';
    expect(orders).toEqual([inward, inward, inward, outward, outward, outward]);
  });

  it('encodes last, whatever the place', () => {
    for (const phase of ['onUpstreamResponse', 'onResponse'] as const) {
      const [a, coder] = [filter('a', phase), { ...filter('coder', phase), encodes: true }];
      expect(names(compileFilters([a, coder])?.[phase] ?? null)).toBe('a coder');
      expect(names(compileFilters([coder, a])?.[phase] ?? null)).toBe('a coder');
    }
  });
});
