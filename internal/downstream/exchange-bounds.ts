import { type Deadline, type Deadlines, ProxyError } from '../base/index.ts';
import type { ServiceLimits } from '../config/index.ts';
import { BodyRate, type MeasuredRequest } from './body-rate.ts';

/** Runs actions of an exchange, so that an error that they throw ends this exchange alone. */
export interface Guard {
  guard(action: () => void): void;
}

/** The exchange or session whose requests and responses are bounded. */
export interface BoundsOwner extends MeasuredRequest {
  /** A bound was passed. */
  onBound(error: ProxyError): void;
}

/**
 * read_timeout and write_timeout: bounds on the time of a whole request and a whole response, even if bytes still move. And
 * min_rate, which bounds how slowly the body of a request may come.
 */
export class ExchangeBounds {
  private readonly deadlines: Deadlines;
  private readonly limits: ServiceLimits;
  private readonly request: Deadline;
  private readonly response: Deadline;
  /** Null without min_rate. */
  private readonly rate: BodyRate | null;

  private constructor(limits: ServiceLimits, deadlines: Deadlines, guard: Guard, owner: BoundsOwner) {
    this.deadlines = deadlines;
    this.limits = limits;
    const { minRate, readTimeout, writeTimeout } = limits;
    const pass = (error: ProxyError): void => guard.guard(() => owner.onBound(error));
    this.request = deadlines.create(() =>
      pass(new ProxyError('request_timeout', `the request was not complete within ${readTimeout} ms`)),
    );
    this.response = deadlines.create(() =>
      pass(new ProxyError('response_timeout', `the response was not complete within ${writeTimeout} ms`)),
    );
    const onTooSlow = (): void =>
      pass(new ProxyError('body_too_slow', `the body came more slowly than ${minRate} bytes a second`));
    this.rate = minRate > 0 ? new BodyRate(minRate, deadlines, owner, onTooSlow) : null;
  }

  /** Null if the config sets no bound. */
  static of(limits: ServiceLimits, deadlines: Deadlines, guard: Guard, owner: BoundsOwner): ExchangeBounds | null {
    if (limits.readTimeout <= 0 && limits.writeTimeout <= 0 && limits.minRate <= 0) return null;
    return new ExchangeBounds(limits, deadlines, guard, owner);
  }

  /** The first byte of a request has come. */
  startRequest(): void {
    this.deadlines.set(this.request, this.limits.readTimeout);
  }

  /** prox waits for bytes of the body from now on. */
  awaitBody(): void {
    this.rate?.await();
  }

  /** prox takes no bytes of the body for now. */
  holdBody(): void {
    this.rate?.hold();
  }

  /** The request is complete. */
  endRequest(): void {
    this.rate?.end();
    this.deadlines.clear(this.request);
  }

  /** The head of a request is complete: the response is due. */
  startResponse(): void {
    this.deadlines.set(this.response, this.limits.writeTimeout);
  }

  /** The exchange is over, or has become a tunnel. */
  clear(): void {
    this.rate?.end();
    this.deadlines.remove(this.request);
    this.deadlines.remove(this.response);
  }
}
