import { ProxyError } from '../base/index.ts';
import { type FilterChain, type RouteContext, type RouteSpeed, runPhase } from '../exchange/index.ts';
import type { Throttle } from '../throttle/index.ts';
import { FilterWait } from './filter-wait.ts';
import type { SessionHost } from './session-host.ts';
import type { LoggedExchange } from './session-records.ts';

/** An exchange that was read and has no route yet. */
export interface RoutedExchange extends LoggedExchange {
  route: RouteContext;
  readonly service: SessionHost;
  /** Limits the speed of the response. */
  limit(throttle: Throttle): void;
  /** Tells the handler of an error, and the client. */
  giveUp(error: ProxyError): void;
}

/** Knows the speed limits of the connection. */
export interface SpeedLimits {
  /** Applies the limits of a route. @returns the one on the response */
  use(route: RouteSpeed | null): Throttle | null;
}

/** Makes access records. */
export interface Records {
  /** The exchange will be logged: starts its record. */
  start(exchange: LoggedExchange): void;
}

/**
 * Gives an exchange to the first route that matches, with its limits, filters and action.
 * @throws ProxyError no_route, method_not_allowed, or any error of a filter or the action
 */
export function routeExchange(exchange: RoutedExchange, speed: SpeedLimits, records: Records): void {
  const route = exchange.service.route(exchange.host, exchange.path, exchange.method);
  if (route === null) throw new ProxyError('no_route', `no route for ${exchange.host}${exchange.path}`);
  exchange.route = route;
  const { filters } = route;
  const download = speed.use(route.speed);
  if (download !== null) exchange.limit(download);
  if (filters !== null) {
    if (filters.onEnd !== null) records.start(exchange);
    if (filters.onRequest !== null) return runFilters(exchange, filters.onRequest);
  }
  act(exchange);
}

/** Runs the filters, and then the action, or the one that a filter names instead. */
function runFilters(exchange: RoutedExchange, filters: NonNullable<FilterChain['onRequest']>): void {
  runPhase(
    filters,
    new FilterWait(exchange),
    (filter) => filter.onRequest(exchange),
    (action) => (action === null ? act(exchange) : action.handle(exchange)),
    (error) => exchange.fail(error),
  );
}

function act(exchange: RoutedExchange): void {
  const { action } = exchange.route;
  if (exchange.method === 'CONNECT' && action.takesConnect !== true) {
    throw new ProxyError('method_not_allowed', 'CONNECT to a route that is no tunnel');
  }
  action.handle(exchange);
}
