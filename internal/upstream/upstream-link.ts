import type { Fields, Framing } from '../message/index.ts';
import type { WriteState } from '../transport/index.ts';
import type { ResponseHandler } from './response-handler.ts';

/** Time limits of a request at an upstream, in milliseconds. */
export interface UpstreamTimeouts {
  /** From the request sent to the response head. Interim responses do not extend it. */
  readonly responseHeader: number;
  /** Without progress while bytes are due. */
  readonly stall: number;
}

/** A request to an upstream. Its head is made in the protocol that the upstream speaks. */
export interface UpstreamRequest {
  readonly method: string;
  /** The link is a tunnel from the first byte on, and nothing of the request is sent. Only over HTTP/1.1 connections. */
  readonly raw: boolean;
  /** Of the body: CHUNKED, a number of bytes, or UNTIL_CLOSE for a tunnel that begins at once. */
  readonly framing: Framing;
  /** The protocol to switch to (RFC 9110 §7.8), or null. */
  readonly upgrade: string | null;
  /** Sec-WebSocket-Key (RFC 6455 §11.3.1), or null. */
  readonly webSocketKey: string | null;
  /** Whether no other request may follow on its connection, even if the upstream keeps it open (RFC 9112 §9.6). */
  readonly last: boolean;
  /** Request line, fields and the empty line (RFC 9112 §2.1). */
  http1Head(): string;
  /** Pseudo-fields and fields (RFC 9113 §8.3.1); of an extended CONNECT (RFC 8441 §4) for an upgrade. */
  http2Head(): Http2RequestHead;
}

/** Fields by their names in lower case, with one value each, pseudo-header fields first. It has no prototype. */
export type Http2RequestHead = Record<string, string>;

/**
 * The side of one exchange that is turned to an upstream: an HTTP/1.1 connection while the exchange has it, or a stream
 * of an HTTP/2 session.
 *
 *     send ──> write, flush ... endRequest        pause, resume, abort at any time until
 *                                                 onResponseEnd (in a tunnel: until both ends) or onUpstreamError
 */
export interface UpstreamLink {
  /** Whether the upstream may report that it has not processed a request (RFC 9113 §8.7). */
  readonly mayRefuse: boolean;
  /**
   * Begins the exchange. The head is sent with the first bytes of the body, or on `flush`. The handler is told the
   * response, and every failure, later.
   */
  send(request: UpstreamRequest, timeouts: UpstreamTimeouts, handler: ResponseHandler): void;
  /**
   * Writes bytes of the request body, which must not change until `flush` has returned `taken`; after any other result
   * they must never change.
   */
  write(buffer: Buffer, start: number, end: number): void;
  /** Sends the written bytes. */
  flush(): WriteState;
  /** The request body is complete. Flushes. In a tunnel: nothing more will be sent, but bytes may still come. */
  endRequest(trailers: Fields | null): void;
  /** Stops reading the response, because the client does not accept it. */
  pause(): void;
  /** Reads the response again. */
  resume(): void;
  /** Cancels the exchange. The handler gets no more calls. */
  abort(): void;
}
