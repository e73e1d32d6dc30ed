export { type Action, type Exchange, type ExchangeHandler, FlushResult } from './exchange.ts';
export { compileFilters, type Filter, type FilterChain, type Outcome } from './filter.ts';
export type { DomainCaptures, RouteContext } from './route-context.ts';
export type { ExchangeTimes } from './times.ts';
