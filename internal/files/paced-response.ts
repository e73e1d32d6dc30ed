import { type Exchange, type ExchangeHandler, FlushResult } from '../exchange/index.ts';

/**
 * The client of an exchange as something that can be waited for: for actions whose answer comes from asynchronous
 * calls. It becomes the exchange's handler; the request body is never asked for.
 */
export class PacedResponse implements ExchangeHandler {
  /** True when the client is gone: nothing may be sent any more. To be looked at after everything that waits. */
  aborted = false;
  readonly #exchange: Exchange;
  /** Goes on with what waits for the client. */
  #wake: (() => void) | null = null;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.handler = this;
  }

  /**
   * Sends what was written, and waits until the client can take more, or is gone. True when the bytes are free, so
   * that their buffer may be filled again.
   */
  async flush(): Promise<boolean> {
    const result = this.#exchange.flush();
    if (result === FlushResult.full && !this.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return result === FlushResult.taken;
  }

  onDrain(): void {
    this.#goOn();
  }

  onAbort(): void {
    this.aborted = true;
    this.#goOn();
  }

  // The request is never resumed, so that there is nothing to take.
  onRequestBody(): void {}
  onRequestFlush(): void {}
  onRequestEnd(): void {}

  #goOn(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
