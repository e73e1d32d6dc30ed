import type { ProxyError } from '../base/index.ts';
import type { Fields } from '../http1/index.ts';
import type { Exchange } from './exchange.ts';

/**
 * Extension points, in the order of time. Each is optional, and one that no filter of a route has costs nothing: it is
 * null in the compiled chain.
 *
 *     phase               runs                                              may
 *     onRequest           when a route was chosen, before its action        answer the exchange itself: return true
 *     onUpstreamRequest   when the upstream request head is made            change the fields
 *     onUpstreamResponse  when the upstream response head was read          change the fields
 *     onResponse          when the response head is about to be sent        change the fields
 *     onLog               when the exchange is over, however it ended       look
 *
 * onConnect, onSelectPeer and onResponseBody join them with the features that need them.
 */
export interface Filter {
  onRequest?(exchange: Exchange): boolean;
  onUpstreamRequest?(exchange: Exchange, fields: Fields): void;
  onUpstreamResponse?(exchange: Exchange, status: number, fields: Fields): void;
  onResponse?(exchange: Exchange, status: number, fields: Fields): void;
  onLog?(exchange: Exchange, outcome: Outcome): void;
}

/** How an exchange ended. */
export interface Outcome {
  /** The status that was sent; 499 when the client went before there was one, 0 when the connection was dropped. */
  readonly status: number;
  /** Bytes received from the client for this exchange, head included. */
  readonly bytesIn: number;
  /** Bytes sent to the client for this exchange, head included. */
  readonly bytesOut: number;
  readonly error: ProxyError | null;
}

/** The filters of a route by phase; null where there are none. */
export interface FilterChain {
  readonly onRequest: readonly Required<Pick<Filter, 'onRequest'>>[] | null;
  readonly onUpstreamRequest: readonly Required<Pick<Filter, 'onUpstreamRequest'>>[] | null;
  readonly onUpstreamResponse: readonly Required<Pick<Filter, 'onUpstreamResponse'>>[] | null;
  readonly onResponse: readonly Required<Pick<Filter, 'onResponse'>>[] | null;
  readonly onLog: readonly Required<Pick<Filter, 'onLog'>>[] | null;
}

/** Compiles filters, in the order of running, into a chain; null when there is nothing to run. */
export function compileFilters(filters: readonly Filter[]): FilterChain | null {
  if (filters.length === 0) return null;
  return {
    onRequest: withPhase(filters, 'onRequest'),
    onUpstreamRequest: withPhase(filters, 'onUpstreamRequest'),
    onUpstreamResponse: withPhase(filters, 'onUpstreamResponse'),
    onResponse: withPhase(filters, 'onResponse'),
    onLog: withPhase(filters, 'onLog'),
  };
}

function withPhase<K extends keyof Filter>(filters: readonly Filter[], phase: K): Required<Pick<Filter, K>>[] | null {
  const having = filters.filter((filter): filter is Filter & Required<Pick<Filter, K>> => filter[phase] !== undefined);
  return having.length === 0 ? null : having;
}
