import { ProxyError } from '../base/index.ts';

/** The reason that the work gets if the exchange ends before there is a result. */
const ABANDONED = new ProxyError('client_closed', 'the exchange has ended');

/**
 * The asynchronous form of a verdict: the exchange waits for it, for example while a filter asks another server. The filter
 * makes the run, the phase starts it.
 *
 *     made ──start──> waiting ──the work is done──> continued once
 *                        ├──time is up─────────> failed with filter_timeout
 *                        ├──the work throws────> failed
 *                        └──the client leaves──> aborted; nothing is called any more
 */
export class Run<T> {
  private readonly timeoutMs: number;
  private readonly work: (signal: AbortSignal) => Promise<T>;
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private settled = false;

  /**
   * @param timeoutMs milliseconds that the work may take
   * @param work gets a signal that is aborted when its result is not needed any more
   */
  constructor(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>) {
    this.timeoutMs = timeoutMs;
    this.work = work;
  }

  /** Starts the work. Calls exactly one of the two callbacks, once; neither after `abort`. */
  start(onResult: (result: T) => void, onError: (error: ProxyError) => void): void {
    this.timer = setTimeout(() => {
      if (!this.settle()) return;
      const error = new ProxyError('filter_timeout', `a filter had no result within ${this.timeoutMs} ms`);
      this.controller.abort(error);
      onError(error);
    }, this.timeoutMs);
    void this.finish(onResult, onError);
  }

  /** The result is not needed any more. */
  abort(reason: ProxyError = ABANDONED): void {
    if (this.settle()) this.controller.abort(reason);
  }

  /** @returns true for the first call, which ends the wait; false for each event after it */
  private settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    clearTimeout(this.timer);
    return true;
  }

  private async finish(onResult: (result: T) => void, onError: (error: ProxyError) => void): Promise<void> {
    let result: T;
    try {
      result = await this.work(this.controller.signal);
    } catch (error) {
      if (this.settle()) onError(ProxyError.from(error));
      return;
    }
    if (this.settle()) onResult(result);
  }
}
