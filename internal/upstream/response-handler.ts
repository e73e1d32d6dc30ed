import type { ProxyError } from '../base/index.ts';
import type { Fields, Framing } from '../message/index.ts';

/** Receives the response to a request, in this order: interim heads, the head, the body, and the end or an error. */
export interface ResponseHandler {
  /** An interim response (RFC 9110 §15.2), never 101. */
  onInterim(status: number, reason: string, fields: Fields): void;
  /** The final head. The fields belong to the handler until the end of the exchange, and may be changed. */
  onResponse(status: number, reason: string, fields: Fields, framing: Framing): void;
  /** The protocol was switched (101, or 2xx to CONNECT): all further bytes of the upstream are the body. */
  onTunnel(status: number, reason: string, fields: Fields): void;
  /** Bytes of the body, borrowed until `onResponseFlush` returns. */
  onResponseBody(buffer: Buffer, start: number, end: number): void;
  /** All bytes of one read were passed. Returns false if their memory is still in use. */
  onResponseFlush(): boolean;
  /**
   * The response is complete. In a tunnel: the upstream sends no more, but may still read.
   * Returns false when the memory of the last bytes is still in use.
   */
  onResponseEnd(trailers: Fields | null): boolean;
  /** The upstream has accepted all pending bytes. */
  onUpstreamDrain(): void;
  /** The exchange has failed, and the connection is closed. `onResponseEnd` is not called. */
  onUpstreamError(error: ProxyError): void;
}
