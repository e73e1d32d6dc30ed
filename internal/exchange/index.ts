export {
  type Action,
  type ConnectionAction,
  type DomainCaptures,
  type Exchange,
  type ExchangeHandler,
  type FailureSubject,
  type Filter,
  type FilterChain,
  FlushResult,
  type Outcome,
  type RelayedConnection,
  type RelayOutcome,
  type RouteContext,
} from './exchange.ts';
export { compileFilters } from './filter.ts';
export { reasonPhrase } from './reason-phrase.ts';
export { type ConnectionSpeed, createRouteSpeed, type RouteSpeed, type RouteSpeedOptions } from './route-speed.ts';
