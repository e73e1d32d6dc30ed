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
export { compileTemplate, type Placeholders, type Template } from './template.ts';
export { compileFilters } from './filter.ts';
export { EXCHANGE_PLACEHOLDERS, FILE_PLACEHOLDERS } from './exchange-placeholders.ts';
export { compileFieldValue } from './field-template.ts';
export { type ConnectionSpeed, createRouteSpeed, type RouteSpeed, type RouteSpeedOptions } from './route-speed.ts';
