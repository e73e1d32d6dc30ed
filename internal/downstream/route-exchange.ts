import { ProxyError } from '../base/index.ts';
import type { Http1Exchange } from './http1-exchange.ts';
import type { SessionRecords } from './session-records.ts';
import type { SessionSpeed } from './session-speed.ts';

/**
 * Gives an exchange that was read out of its head to the first route that matches: its limits, filters and action.
 * @throws ProxyError no_route, method_not_allowed, or whatever the action throws
 */
export function routeExchange(exchange: Http1Exchange, speed: SessionSpeed, records: SessionRecords): void {
  const route = exchange.service.route(exchange.host, exchange.path, exchange.method);
  if (route === null) throw new ProxyError('no_route', `no route for ${exchange.host}${exchange.path}`);
  exchange.route = route;
  const { action, filters } = route;
  const download = speed.use(route.speed);
  if (download !== null) exchange.limit(download);
  if (filters !== null) {
    if (filters.onLog !== null) records.start(exchange);
    if (filters.onRequest !== null) {
      for (const filter of filters.onRequest) if (filter.onRequest(exchange)) return;
    }
  }
  if (exchange.method === 'CONNECT' && action.takesConnect !== true) {
    throw new ProxyError('method_not_allowed', 'CONNECT to a route that is no tunnel');
  }
  action.handle(exchange);
}
