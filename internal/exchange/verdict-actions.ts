import { ProxyError } from '../base/index.ts';
import { type Fields, reasonPhrase } from '../message/index.ts';
import type { Action } from './exchange.ts';
import type { Exchange } from './exchange.ts';

/**
 * The fallback of the route's action answers. If the action has none, or none that can answer CONNECT, where a 2xx would
 * begin a tunnel (RFC 9110 §9.3.6), the answer is 503 (no_target).
 */
export const FALLBACK: Action = {
  handle(exchange: Exchange): void {
    const { fallback } = exchange.route.action;
    if (fallback === undefined || fallback === null) {
      return exchange.fail(new ProxyError('no_target', 'a filter asked for the fallback, and the action has none'));
    }
    if (exchange.method === 'CONNECT' && fallback.takesConnect !== true) {
      return exchange.fail(new ProxyError('no_target', 'a filter asked for the fallback, which is no tunnel'));
    }
    fallback.handle(exchange);
  },
};

/** Closes the connection without an answer. */
export const DROP: Action = {
  takesConnect: true,
  handle(exchange: Exchange): void {
    exchange.drop(new ProxyError('dropped', 'a filter dropped the request'));
  },
};

/** A whole answer that a filter gives. */
export class Answer implements Action {
  private readonly status: number;
  private readonly fields: Fields;
  private readonly body: Buffer;

  /**
   * @param status final, 200 to 599; not 2xx for a CONNECT (RFC 9110 §9.3.6)
   * @param fields without those that frame the body; for one answer only, as the session may change them
   */
  constructor(status: number, fields: Fields, body: Buffer | string = '') {
    this.status = status;
    this.fields = fields;
    this.body = typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
  }

  handle(exchange: Exchange): void {
    const { body } = this;
    exchange.respond(this.status, reasonPhrase(this.status), this.fields, body.length);
    if (body.length > 0 && exchange.method !== 'HEAD') exchange.write(body, 0, body.length);
    exchange.end(null);
  }
}
