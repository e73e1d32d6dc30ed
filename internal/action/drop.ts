import { ProxyError } from '../base/index.ts';
import type { Action, Exchange } from '../exchange/index.ts';

/** Closes the connection without an answer. */
export function createDropAction(): Action {
  return new DropAction();
}

class DropAction implements Action {
  handle(exchange: Exchange): void {
    exchange.drop(
      new ProxyError('dropped', `${exchange.method} ${exchange.path} was dropped by route ${exchange.route.id}`),
    );
  }
}
