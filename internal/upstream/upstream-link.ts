import type { Fields, Framing } from '../message/index.ts';
import type { WriteState } from '../transport/index.ts';
import type { ResponseHandler } from './response-handler.ts';

/** Waits that a request has while it is with an upstream, in milliseconds. */
export interface UpstreamTimeouts {
  /** From the request sent to the response head: interim responses on the way to it do not prolong the wait. */
  readonly responseHeader: number;
  /** Without a byte moved where one is due. */
  readonly stall: number;
}

/** A request as an upstream is to get it. Its head is made in the protocol that the upstream turns out to speak. */
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
  /** None may follow it on its connection, whatever the upstream says (RFC 9112 §9.6). */
  readonly last: boolean;
  /** Request line, fields and the empty line (RFC 9112 §2.1). */
  http1Head(): string;
  /** Pseudo-fields and fields (RFC 9113 §8.3.1); of an extended CONNECT (RFC 8441 §4) for an upgrade. */
  http2Head(): Http2RequestHead;
}

/** Fields by their names in lower case, a value each, the pseudo-fields first. It has no prototype. */
export type Http2RequestHead = Record<string, string>;

/**
 * The side of one exchange that is turned to an upstream: an HTTP/1.1 connection while the exchange has it, or a stream
 * of an HTTP/2 session.
 *
 *     send ──> write, flush ... endRequest        pause, resume, abort at any time until
 *                                                 onResponseEnd (in a tunnel: until both ends) or onUpstreamError
 */
export interface UpstreamLink {
  /** The upstream may say of a request that was sent that it has not looked at it (RFC 9113 §8.7). */
  readonly mayRefuse: boolean;
  /**
   * Begins the exchange. The head leaves with the first bytes of the body, or on `flush`. What the upstream says, and
   * every failure, is told to the handler later.
   */
  send(request: UpstreamRequest, timeouts: UpstreamTimeouts, handler: ResponseHandler): void;
  /** Gives bytes of the request body, borrowed until `flush` has returned `taken`; after another answer, for good. */
  write(buffer: Buffer, start: number, end: number): void;
  /** Sends what was given. */
  flush(): WriteState;
  /** The request body is complete. Flushes. In a tunnel: nothing more will be sent, but bytes may still come. */
  endRequest(trailers: Fields | null): void;
  /** Stops reading the response: the client cannot take it. */
  pause(): void;
  /** The client takes more. */
  resume(): void;
  /** Gives the exchange up. The handler hears nothing any more. */
  abort(): void;
}
