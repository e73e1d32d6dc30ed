import { ProxyError } from '../base/index.ts';
import type { Action, ConnectionAction, Exchange, RelayedConnection } from '../exchange/index.ts';

/**
 * Makes an action that closes the connection without an answer: at the request, or before TLS if the route is chosen by
 * name alone.
 */
export function createDropAction(): Action {
  return new DropAction();
}

class DropAction implements Action, ConnectionAction {
  readonly relay: ConnectionAction = this;

  handle(exchange: Exchange): void {
    exchange.drop(
      new ProxyError('dropped', `${exchange.method} ${exchange.path} was dropped by route ${exchange.route.id}`),
    );
  }

  take(client: RelayedConnection): void {
    client.connection.destroy();
    client.over(new ProxyError('dropped', `the connection to ${client.host} was dropped by route ${client.route.id}`));
  }
}
