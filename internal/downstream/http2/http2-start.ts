import { type Deadlines, ProxyError } from '../../base/index.ts';
import { ExchangeBounds } from '../exchange-bounds.ts';
import { checkExpectation } from '../http1/describe-request.ts';
import { routeExchange } from '../route-exchange.ts';
import { protocolOf, readHttp2Request } from './describe-http2-request.ts';
import type { Http2Exchange } from './http2-exchange.ts';
import { beginWebSocket } from './http2-websocket.ts';

/**
 * Begins an exchange: reads the request from its field section, and gives it to its route.
 * @param pairs name, value, name, value …
 * @throws ProxyError for a request that is refused
 */
export function startExchange(exchange: Http2Exchange, pairs: readonly string[], deadlines: Deadlines): void {
  // The client has already reset the stream: node:http2 reports its end in a moment.
  if (exchange.output.gone) return;
  const { service, requestFields } = exchange;
  const { limits } = service;
  exchange.bounds = ExchangeBounds.of(limits, deadlines, exchange, exchange);
  exchange.bounds?.startRequest();
  readHttp2Request(pairs, exchange.body.complete, service.headLimits, exchange);
  const protocol = protocolOf(pairs);
  if (protocol !== '') {
    exchange.method = 'GET';
    exchange.webSocketAccept = beginWebSocket(protocol, requestFields);
    exchange.upgrade = protocol;
  }
  if (exchange.body.complete) exchange.bounds?.endRequest();
  exchange.bounds?.startResponse();
  checkExpectation(exchange);
  if (limits.maxBodyBytes > 0 && exchange.requestFraming > limits.maxBodyBytes) {
    throw new ProxyError('body_too_large', `the body is larger than ${limits.maxBodyBytes} bytes`);
  }
  routeExchange(exchange, exchange, exchange.memory.records);
}
