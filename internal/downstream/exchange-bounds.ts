import { type Deadline, type Deadlines, ProxyError } from '../base/index.ts';
import type { ServiceLimits } from '../config/index.ts';

/** Runs what happens on its behalf, so that whatever that throws costs it alone. */
export interface Guard {
  guard(action: () => void): void;
}

/** read_timeout and write_timeout: bounds on a whole request and a whole response, whatever moves meanwhile. */
export class ExchangeBounds {
  private readonly deadlines: Deadlines;
  private readonly limits: ServiceLimits;
  private readonly request: Deadline;
  private readonly response: Deadline;

  private constructor(limits: ServiceLimits, deadlines: Deadlines, onBound: (error: ProxyError) => void) {
    this.limits = limits;
    this.deadlines = deadlines;
    this.request = deadlines.create(() =>
      onBound(new ProxyError('request_timeout', `the request was not complete within ${limits.readTimeout} ms`)),
    );
    this.response = deadlines.create(() =>
      onBound(new ProxyError('response_timeout', `the response was not complete within ${limits.writeTimeout} ms`)),
    );
  }

  /** Null where the config sets no bound: then none costs anything. */
  static of(
    limits: ServiceLimits,
    deadlines: Deadlines,
    guard: Guard,
    onBound: (error: ProxyError) => void,
  ): ExchangeBounds | null {
    if (limits.readTimeout <= 0 && limits.writeTimeout <= 0) return null;
    return new ExchangeBounds(limits, deadlines, (error) => guard.guard(() => onBound(error)));
  }

  /** The first byte of a request has come. */
  startRequest(): void {
    this.deadlines.set(this.request, this.limits.readTimeout);
  }

  /** The request is complete. */
  endRequest(): void {
    this.deadlines.clear(this.request);
  }

  /** The head of a request is complete: the response is due. */
  startResponse(): void {
    this.deadlines.set(this.response, this.limits.writeTimeout);
  }

  /** The exchange is over, or has become a tunnel. */
  clear(): void {
    this.deadlines.remove(this.request);
    this.deadlines.remove(this.response);
  }
}
