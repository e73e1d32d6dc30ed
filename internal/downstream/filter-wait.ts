import { ProxyError } from '../base/index.ts';
import type { Exchange, ExchangeHandler, PhaseOwner, Run } from '../exchange/index.ts';

/** An exchange that can wait. */
export interface WaitingExchange extends Pick<Exchange, 'guard' | 'handler'> {
  /** Tells the handler of an error, and the client. */
  giveUp(error: ProxyError): void;
}

/**
 * The handler of an exchange while filters of onRequest wait. The request body stays unread, and the end of the exchange
 * aborts the run.
 */
export class FilterWait implements ExchangeHandler, PhaseOwner {
  private readonly exchange: WaitingExchange;
  private run: Run<unknown> | null = null;

  constructor(exchange: WaitingExchange) {
    this.exchange = exchange;
  }

  /** An error that is thrown in a later turn is answered like one of the first turn. */
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
