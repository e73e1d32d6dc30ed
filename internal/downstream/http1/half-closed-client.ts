import type { Connection } from '../../transport/index.ts';
import type { Http1Exchange } from './http1-exchange.ts';

/**
 * Watches a client that has ended its side and waits for the rest of a response that may be silent for long. TCP does
 * not tell it from one that has gone; where nothing else bounds the wait, some time without a byte for it does.
 */
export class HalfClosedClient {
  private sentBefore = 0;

  /** Begins to wait, or goes on; only for exchanges that nothing else bounds. */
  wait(connection: Connection, exchange: Http1Exchange | null): void {
    if (exchange === null || !exchange.patient) return;
    this.sentBefore = exchange.bytesOut;
    connection.expect(exchange.service.limits.stallTimeout);
  }

  /** The deadline has passed: whether the client got something meanwhile, so that it is worth another wait. */
  moved(exchange: Http1Exchange): boolean {
    return exchange.patient && exchange.bytesOut > this.sentBefore;
  }
}
