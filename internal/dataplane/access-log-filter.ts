import type { Exchange, Filter, Outcome, RelayedConnection, RelayOutcome } from '../exchange/index.ts';
import type { AccessRecord } from '../logger/index.ts';
import { FieldId } from '../message/index.ts';

/** The destination of records. */
export interface RecordSink {
  write(record: AccessRecord): void;
}

/** Writes a line for each exchange and each relayed connection of a route. */
export class AccessLogFilter implements Filter {
  private readonly sink: RecordSink;
  private readonly service: string;

  /** @param service name of the service */
  constructor(sink: RecordSink, service: string) {
    this.sink = sink;
    this.service = service;
  }

  onEnd(exchange: Exchange, outcome: Outcome): void {
    const { record, requestFields } = exchange;
    if (record === null) return;
    record.service = this.service;
    record.client = exchange.originAddress;
    record.method = exchange.method;
    record.host = exchange.authority;
    record.path = exchange.forwardPath;
    record.query = exchange.query === '' ? null : exchange.query.slice(1);
    record.protocol = exchange.protocol;
    record.status = outcome.status;
    record.bytesIn = outcome.bytesIn;
    record.bytesOut = outcome.bytesOut;
    record.duration = performance.now() - outcome.started;
    record.route = exchange.route.id === '' ? null : exchange.route.id;
    record.userAgent = requestFields.first(FieldId.userAgent);
    record.referer = requestFields.first(FieldId.referer);
    record.error = outcome.error === null ? null : outcome.error.code;
    this.sink.write(record);
  }

  onRelayEnd(client: RelayedConnection, outcome: RelayOutcome): void {
    const { record, route } = client;
    if (record === null) return;
    record.service = this.service;
    record.client = client.clientAddress;
    record.host = client.host;
    record.protocol = 'tcp';
    // prox sees no request on a relayed connection, so there is no status.
    record.status = -1;
    record.bytesIn = outcome.bytesIn;
    record.bytesOut = outcome.bytesOut;
    record.duration = performance.now() - outcome.started;
    record.route = route.id === '' ? null : route.id;
    record.error = outcome.error === null ? null : outcome.error.code;
    this.sink.write(record);
  }
}
