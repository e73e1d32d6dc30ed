import type { ErrorCode } from '../base/index.ts';
import { requestIds } from './request-id.ts';

/**
 * What one exchange, or one relayed connection, leaves in the access log: plain fields that the session fills as it goes.
 *
 * A session keeps one record for its connection and calls `reset()` for the next request, once the one before is
 * written: besides the allocation, that saves formatting again what does not change from request to request (client,
 * host, user agent, route), near half of the cost of a line.
 *
 * Text of requests (host, path, fields) is as read from the wire, one character a byte (latin1). docs/logs.md lists
 * the JSON name of every field; a test compares the two.
 */
export class AccessRecord {
  /** When the first byte of the request came, in milliseconds since 1970. */
  time = 0;
  /** Address of the client without a port, the forwarded one if a trusted proxy named it; empty if unknown. */
  client = '';
  method = '';
  /** Authority of the request as the client wrote it, or the server name of a ClientHello; empty if there was none. */
  host = '';
  /** Path in forward form, as upstreams get it, without the query. */
  path = '';
  /** What follows the first `?`, or null when there is none. */
  query: string | null = null;
  /** `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`; `tcp` for a relayed connection, of which no request is known. */
  protocol = '';
  /**
   * Status sent to the client; 499 when it left before there was one, 0 when prox ended the exchange without one, -1 for
   * `tcp`.
   */
  status = 0;
  /** Bytes of the request as read from the client: head, body and framing. */
  bytesIn = 0;
  /** Bytes of the response as written to the client: head, body and framing. */
  bytesOut = 0;
  /** From the first byte of the request to the last of the response, in milliseconds with fractions. */
  duration = 0;
  /** Address that the request was sent to last, null when it was sent to none. */
  upstream: string | null = null;
  /** Dial and TLS handshake, in milliseconds; 0 for a kept connection, -1 when there was none. */
  upstreamConnect = -1;
  /** From the request handed to the upstream connection to its response head, in milliseconds; -1 for none. */
  upstreamHeader = -1;
  /** From the request handed to the upstream connection to the end of its response, in milliseconds; -1 for none. */
  upstreamResponse = -1;
  /** Name of the service. */
  service = '';
  /** `service:index`, null when no route matched. */
  route: string | null = null;
  userAgent: string | null = null;
  referer: string | null = null;
  /** Code of the error that ended the exchange, null when it was complete. */
  error: ErrorCode | null = null;
  /** The formatter's own; see access-line.ts. */
  readonly memo: RecordMemo = new RecordMemo();

  #requestId = '';

  /** Id of the request: 20 hex digits, drawn when first asked for, unlike any other id of any prox. */
  get requestId(): string {
    if (this.#requestId === '') this.#requestId = requestIds.next();
    return this.#requestId;
  }

  /** Back to the state of a new record, for another request and with another id. */
  reset(time: number): void {
    this.#requestId = '';
    this.time = time;
    this.client = this.service = this.method = this.host = this.path = this.protocol = '';
    this.query = this.upstream = this.route = this.userAgent = this.referer = null;
    this.status = this.bytesIn = this.bytesOut = this.duration = 0;
    this.upstreamConnect = this.upstreamHeader = this.upstreamResponse = -1;
    this.error = null;
  }
}

/** The parts of the last line that often stay the same on a connection, and what they were made of. */
export class RecordMemo {
  client = '';
  host = '';
  userAgent: string | null = null;
  /** Empty before the first line; so is `routePart`. */
  clientPart = '';
  route: string | null = null;
  upstream: string | null = null;
  method = '';
  protocol = '';
  routePart = '';
}
