import type { Exchange, Filter, Outcome } from '../exchange/index.ts';
import { FieldId } from '../http1/index.ts';
import type { AccessRecord } from '../logger/index.ts';

/** Where records go. */
export interface RecordSink {
  write(record: AccessRecord): void;
}

/** Writes a line for each exchange of a route. */
export class AccessLogFilter implements Filter {
  private readonly sink: RecordSink;

  constructor(sink: RecordSink) {
    this.sink = sink;
  }

  onLog(exchange: Exchange, outcome: Outcome): void {
    const { record, requestFields } = exchange;
    if (record === null) return;
    record.client = exchange.originAddress;
    record.method = exchange.method;
    record.host = exchange.authority;
    record.path = exchange.path;
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
}
