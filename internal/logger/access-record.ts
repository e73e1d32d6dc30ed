import type { ErrorCode } from '../base/index.ts';
import { requestIds } from './request-id.ts';

/**
 * The access log entry of one exchange or one relayed connection: plain fields that the session sets as it proceeds.
 *
 * A session keeps one record for its connection, and calls `reset()` for the next request after the record was written.
 * This avoids an allocation, and avoids formatting what stays the same from request to request (client, host, user
 * agent, route), which is nearly half of the cost of a line.
 *
 * Text of requests (host, path, fields) is as read from the wire, one character per byte (latin1). docs/logs.md lists
 * the JSON name of every field; a test compares the two.
 */
export class AccessRecord {
  /** Arrival of the first byte of the request, in milliseconds since 1970. */
  time = 0;
  /** Address of the client without a port; the forwarded address if a trusted proxy sent it; empty if unknown. */
  client = '';
  method = '';
  /** Authority of the request as the client sent it, or the server name of a ClientHello; empty if there was none. */
  host = '';
  /** Path in forward form, as upstreams get it, without the query. */
  path = '';
  /** The text after the first `?`, or null if there is none. */
  query: string | null = null;
  /** `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`; `tcp` for a relayed connection, whose requests prox cannot see. */
  protocol = '';
  /**
   * Status sent to the client; 499 if the client left before there was one, 0 if prox ended the exchange without one,
   * -1 for `tcp`.
   */
  status = 0;
  /** Bytes of the request as read from the client: head, body and framing. */
  bytesIn = 0;
  /** Bytes of the response as written to the client: head, body and framing. */
  bytesOut = 0;
  /** Milliseconds, with fractions, from the first byte of the request to the last byte of the response. */
  duration = 0;
  /** Address that the request was last sent to; null if it was sent to none. */
  upstream: string | null = null;
  /** Milliseconds for connecting, including the TLS handshake; 0 for a reused connection, -1 if there was none. */
  upstreamConnect = -1;
  /** Milliseconds from sending the request to the upstream to the head of the response; -1 if there was none. */
  upstreamHeader = -1;
  /** Milliseconds from sending the request to the upstream to the end of the response; -1 if there was none. */
  upstreamResponse = -1;
  /** Name of the service. */
  service = '';
  /** `service:index`; null if no route matched. */
  route: string | null = null;
  userAgent: string | null = null;
  referer: string | null = null;
  /** Code of the error that ended the exchange; null if it was complete. */
  error: ErrorCode | null = null;
  /** State of the formatter; see access-line.ts. */
  readonly memo: RecordMemo = new RecordMemo();

  #requestId = '';

  /** Id of the request: unless one is set, 20 hex digits, unique among all requests of every prox, made when first read. */
  get requestId(): string {
    if (this.#requestId === '') this.#requestId = requestIds.next();
    return this.#requestId;
  }

  /** Replaces it by an id of letters, digits, `.`, `_` and `-`. */
  set requestId(id: string) {
    this.#requestId = id;
  }

  /** Resets the record for another request with another id. */
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

/** The parts of the last line that often stay the same on a connection, and the values from which they were made. */
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
