import type { Filter, FilterChain, Having } from './exchange.ts';

/**
 * Compiles filters into a chain; null if there are none.
 * @param filters in the order service, action, route
 */
export function compileFilters(filters: readonly Filter[]): FilterChain | null {
  if (filters.length === 0) return null;
  const inward = filters.toReversed();
  const coders = inward.filter((filter) => filter.encodes === true);
  const outward = [...inward.filter((filter) => filter.encodes !== true), ...coders];
  return {
    onConnection: withPhase(filters, 'onConnection'),
    onRequest: withPhase(filters, 'onRequest'),
    onSelectTarget: withPhase(filters, 'onSelectTarget'),
    onUpstreamRequest: withPhase(filters, 'onUpstreamRequest'),
    onUpstreamResponse: withPhase(outward, 'onUpstreamResponse'),
    onResponse: withPhase(outward, 'onResponse'),
    onEnd: withPhase(inward, 'onEnd'),
    onRelayEnd: withPhase(inward, 'onRelayEnd'),
  };
}

function withPhase<K extends keyof Filter>(filters: readonly Filter[], phase: K): Having<K> {
  const having = filters.filter((filter): filter is Filter & Required<Pick<Filter, K>> => filter[phase] !== undefined);
  return having.length === 0 ? null : having;
}
