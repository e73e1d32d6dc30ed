import { ProxyError } from '../base/index.ts';
import type { Exchange, ExchangeHandler, PhaseOwner, Run } from '../exchange/index.ts';

/** An exchange that can wait. */
export interface WaitingExchange extends Pick<Exchange, 'guard' | 'handler'> {
  /** Tells the handler of an error, and the client. */
  giveUp(error: ProxyError): void;
}

/**
 * Stands in for the action while filters of onRequest wait: the request body stays unread, and an exchange that ends takes
 * the run with it.
 */
export class FilterWait implements ExchangeHandler, PhaseOwner {
  private readonly exchange: WaitingExchange;
  private run: Run<unknown> | null = null;

  constructor(exchange: WaitingExchange) {
    this.exchange = exchange;
  }

  /** What is thrown in a later turn is answered as it would have been in the first. */
  guard(action: () => void): void {
    this.exchange.guard(() => {
      try {
        action();
      } catch (thrown) {
        this.exchange.giveUp(ProxyError.from(thrown));
      }
    });
  }

  waitFor(run: Run<unknown> | null): void {
    this.run = run;
    this.exchange.handler = run === null ? null : this;
  }

  onAbort(error: ProxyError): void {
    this.run?.abort(error);
  }

  onRequestBody(): void {}

  onRequestFlush(): void {}

  onRequestEnd(): void {}

  onDrain(): void {}
}
