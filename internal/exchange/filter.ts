import type { Filter, FilterChain } from './exchange.ts';

/** Compiles filters, in the order of running, into a chain; null when there is nothing to run. */
export function compileFilters(filters: readonly Filter[]): FilterChain | null {
  if (filters.length === 0) return null;
  return {
    onRequest: withPhase(filters, 'onRequest'),
    onUpstreamRequest: withPhase(filters, 'onUpstreamRequest'),
    onUpstreamResponse: withPhase(filters, 'onUpstreamResponse'),
    onResponse: withPhase(filters, 'onResponse'),
    onLog: withPhase(filters, 'onLog'),
    onConnectionLog: withPhase(filters, 'onConnectionLog'),
  };
}

function withPhase<K extends keyof Filter>(filters: readonly Filter[], phase: K): Required<Pick<Filter, K>>[] | null {
  const having = filters.filter((filter): filter is Filter & Required<Pick<Filter, K>> => filter[phase] !== undefined);
  return having.length === 0 ? null : having;
}
