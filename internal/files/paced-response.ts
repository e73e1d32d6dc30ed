import { type Exchange, type ExchangeHandler, FlushResult } from '../exchange/index.ts';

/**
 * The client of an exchange in a form that can be awaited, for actions whose answer comes from asynchronous calls. It
 * becomes the handler of the exchange, and does not read the request body.
 */
export class PacedResponse implements ExchangeHandler {
  /** True if the client has left: nothing may be sent any more. Must be checked after every await. */
  aborted = false;
  readonly #exchange: Exchange;
  /** Resumes the code that waits for the client. */
  #wake: (() => void) | null = null;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.handler = this;
  }

  /**
   * Sends what was written, and waits until the client can accept more, or has left. Returns true if the bytes were
   * sent, so that their buffer may be used again.
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

  // The request is never resumed, so no body arrives.
  onRequestBody(): void {}
  onRequestFlush(): void {}
  onRequestEnd(): void {}

  #goOn(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
