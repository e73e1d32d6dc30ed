import { ProxyError } from '../base/index.ts';
import type { Exchange, Outcome } from '../exchange/index.ts';
import { AccessRecord } from '../logger/index.ts';
import type { SessionHost } from './session-host.ts';

/** An exchange as its access record is made of it. */
export interface LoggedExchange extends Exchange, Outcome {
  record: AccessRecord | null;
  started: number;
  readonly service: SessionHost;
}

/** The access records of a session: one object serves all its exchanges, one after another. */
export class SessionRecords {
  private record: AccessRecord | null = null;

  /** The exchange will be logged: starts its record. */
  start(exchange: LoggedExchange): void {
    this.record ??= new AccessRecord();
    exchange.started = performance.now();
    // `performance.timeOrigin` would ignore later changes of the system clock.
    this.record.reset(Date.now());
    exchange.record = this.record;
  }

  /** The exchange has succeeded or failed: calls the filters of onEnd and writes the logs. */
  finish(exchange: LoggedExchange): void {
    const filters = exchange.route.filters;
    if (filters === null || filters.onEnd === null) return;
    if (exchange.record === null) this.start(exchange);
    try {
      for (const filter of filters.onEnd) filter.onEnd(exchange, exchange);
    } catch (error) {
      // The exchange was answered: an error of a log must not fail the next request.
      exchange.service.sessionBroken(exchange.clientAddress, ProxyError.from(error));
    }
  }
}
