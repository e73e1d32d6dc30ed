import type { TargetSearch } from '../balancing/index.ts';
import type { Deadlines, ProxyError } from '../base/index.ts';
import type { AccessRecord } from '../logger/index.ts';
import type { Fields, Framing } from '../message/index.ts';
import type { ClientCertificate, Connection } from '../transport/index.ts';
import type { BodyStage } from './body-stage.ts';
import type { EffectiveRequest } from './effective-request.ts';
import type { FlushResult } from './flush-result.ts';
import type { ResponseHead } from './response-head.ts';
import type { RouteSpeed } from './route-speed.ts';
import type { Run } from './run.ts';
import type { SlotHolder } from './slot.ts';

/**
 * One request and its response, in the same form for every protocol. Sessions make exchanges, actions answer them.
 *
 * The life of an exchange:
 *
 *     session                         action
 *       onRequest ───── handle(exchange) ──> reads the request, sets `handler`
 *       <──── resumeRequest() ─────────────  wants the body (only when there is one)
 *       onRequestBody / onRequestEnd ──────>
 *       <──── respond, write, flush, end ──  or fail, or drop
 *       onDrain, onAbort ──────────────────>
 *
 * Bytes given to `write` and taken from `onRequestBody` are borrowed: see `write`.
 */
export interface Exchange extends SlotHolder {
  // ── the request ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Case-sensitive, as sent (RFC 9110 §9.1). */
  readonly method: string;
  /**
   * The path in match form: routes match on it, and actions that answer without an upstream use it. `*` for OPTIONS, empty
   * for CONNECT.
   */
  readonly path: string;
  /** The path in forward form: upstreams get it, with the client's `%2F` and `//`. */
  readonly forwardPath: string;
  /** The query with its `?`, or empty. Bytes beyond ASCII are percent-encoded; all others are as the client sent them. */
  readonly query: string;
  /** Host and port as the client wrote them; empty only for HTTP/1.0 without Host. */
  readonly authority: string;
  /** The authority in lower case without port and trailing dot: routes match on it. */
  readonly host: string;
  /** `HTTP/1.1`, `HTTP/1.0` or `HTTP/2.0`, as it stands in the access log. */
  readonly protocol: string;
  readonly requestFields: Fields;
  /** How the body is framed towards prox: NO_BODY, CHUNKED (length not known), or a number of bytes. */
  readonly requestFraming: Framing;
  /** The client waits for 100 before it sends the body (RFC 9110 §10.1.1). */
  readonly expectsContinue: boolean;
  /** The protocol that the client wants to switch to (RFC 9110 §7.8), or null. */
  readonly upgrade: string | null;
  /** The client is known to understand trailers: it sent `TE: trailers`. */
  readonly acceptsTrailers: boolean;
  /** Address of the peer that the request came from: an IP address, or `unix`. */
  readonly clientAddress: string;
  /** Port of that peer; 0 on a unix socket. */
  readonly clientPort: number;
  /** Address that the peer has connected to: an IP address, or `unix`. */
  readonly localAddress: string;
  /** Port that the peer has connected to; 0 on a unix socket. */
  readonly localPort: number;
  /** Address of the client behind trusted proxies (X-Forwarded-For); the peer's address if the peer is not trusted. */
  readonly originAddress: string;
  /** True when the client's connection is encrypted. */
  readonly secure: boolean;
  /** The certificate that the client has presented and prox has verified; null without one. */
  readonly clientCertificate: ClientCertificate | null;
  /** The peer may set X-Forwarded-* and Forwarded: its address is in trusted_proxies. */
  readonly trusted: boolean;
  /** The route that was chosen, and what it captured. */
  readonly route: RouteContext;
  /** The entry of the access log; null if no log takes this exchange. Actions fill in the upstream's part. */
  readonly record: AccessRecord | null;

  /** The request as filters have changed it; null while it goes to the upstream as it was received. */
  readonly effective: EffectiveRequest | null;
  /** Gives the request to edit: a copy of the received one at the first call, the same object afterwards. */
  editRequest(): EffectiveRequest;

  /** Gets the request body and the events of the client. Set by the action before it resumes the request. */
  handler: ExchangeHandler | null;

  /**
   * True lets both sides be silent for any time: stall_timeout does not watch the client until the client has ended its
   * side. False at first; set by the action before it resumes the request.
   */
  patient: boolean;

  /** Runs an action that a timer, a thread or another process has caused. An error that it throws ends this exchange alone. */
  guard(action: () => void): void;

  /** The action wants the request body: from now on, or again after `pauseRequest`. */
  resumeRequest(): void;
  /** The action can take no more of the request body for now. */
  pauseRequest(): void;

  // ── the response ─────────────────────────────────────────────────────────────────────────────────────────────

  /** True once the final response head was given: no other answer is possible any more. */
  readonly responded: boolean;

  /** Sends an interim response (RFC 9110 §15.2) other than 101. Sends nothing to a client that would not understand it. */
  inform(status: number, reason: string, fields: Fields): void;

  /**
   * Gives the head of the final response. It leaves together with the first bytes of the body, or on `flush`.
   * @param framing bytes of the body; CHUNKED or UNTIL_CLOSE when the length is not known; NO_BODY. With any framing, HEAD,
   * 204 and 304 send the fields alone.
   * @param fields the exchange may change them, and writes hop-by-hop fields and framing itself
   * @param stages the body goes through them before the stages of onResponse; null or left out for none
   */
  respond(status: number, reason: string, fields: Fields, framing: Framing, stages?: readonly BodyStage[] | null): void;

  /**
   * Switches protocols with a 101 (or a 2xx to CONNECT). From then on `onRequestBody` and `write` pass the bytes of both
   * directions on without reading them, until `onRequestEnd` and `end`.
   */
  respondTunnel(status: number, reason: string, fields: Fields): void;

  /**
   * Gives bytes of the body. They are borrowed: the caller must not change them until `flush` has returned `taken`. If
   * `flush` returns anything else, the caller must never change them again.
   */
  write(buffer: Buffer, start: number, end: number): void;

  /** Sends the bytes that were given since the last flush. Called once for each batch, such as the bytes of one read. */
  flush(): FlushResult;

  /** The response is complete. Sends the trailers if the protocol allows it, and flushes. */
  end(trailers: Fields | null): FlushResult;

  /**
   * The exchange has failed. Answers with the status of the error if no head was given yet; else cuts the connection, so
   * that the client cannot take the response as complete. This is the only place that logs the error.
   */
  fail(error: ProxyError): void;

  /** Closes the connection without an answer. */
  drop(error: ProxyError): void;
}

/** What an exchange tells the action that handles it. */
export interface ExchangeHandler {
  /** Bytes of the request body, borrowed until the call returns unless the handler pauses the request. */
  onRequestBody(buffer: Buffer, start: number, end: number): void;
  /** All bytes of one read were given: the handler sends them on now. */
  onRequestFlush(): void;
  /** The request body is complete. A request without a body gets this call only in a tunnel. */
  onRequestEnd(trailers: Fields | null): void;
  /** The client has taken the pending bytes. */
  onDrain(): void;
  /** The client has left, or prox has cut it; nothing more can be sent. Called at most once, and never after the end. */
  onAbort(error: ProxyError): void;
}

/** Answers exchanges. One object serves all exchanges of the routes that use it. */
export interface Action {
  /** True when the action can answer CONNECT; any other refuses it with 405 (RFC 9110 §9.3.6). */
  readonly takesConnect?: boolean;
  /** True when the action passes the request body on, so that it cannot answer once some of that was taken. */
  readonly takesBody?: boolean;
  /** The action to run if this one cannot answer; null or left out for none. */
  readonly fallback?: Action | null;
  /** Set by actions that take a whole connection, by the server name of its ClientHello: pass and drop. */
  readonly relay?: ConnectionAction;
  handle(exchange: Exchange): void;
}

/** Takes connections as they are, before TLS (L4). */
export interface ConnectionAction {
  /** The action owns the connection from now on: it sets the handler before it returns. */
  take(client: RelayedConnection): void;
}

/**
 * A connection that is not terminated here (L4), and what its ClientHello said.
 *
 *     dispatcher                       action
 *       ClientHello ──── take(client) ──> becomes the connection's handler
 *       <──────────────── over(error) ──  once, when both sides have closed
 */
export interface RelayedConnection {
  readonly connection: Connection;
  /** Every byte read so far: the first ones for the upstream. */
  readonly head: Buffer;
  /** The server name that selected the route, in the form that routes match on. */
  readonly host: string;
  /** Address of the client, or the address that a trusted proxy announces; or `unix`. */
  readonly clientAddress: string;
  readonly route: RouteContext;
  /** The entry of the access log; null if no log takes the connection. Actions fill in the upstream's part. */
  readonly record: AccessRecord | null;
  readonly deadlines: Deadlines;
  /** The connection is over. The action calls this exactly once. `error` is null when both sides have closed. */
  over(error: ProxyError | null): void;
}

/** How a relayed connection ended. */
export interface RelayOutcome {
  /** Bytes received from the client. */
  readonly bytesIn: number;
  /** Bytes sent to the client. */
  readonly bytesOut: number;
  readonly error: ProxyError | null;
  /** When the connection was given to its route, as `performance.now()`. */
  readonly started: number;
}

/** The data of a compiled route; all exchanges of the route share it. */
export interface RouteContext {
  /** `service:index`. */
  readonly id: string;
  /** The domain pattern as configured, or empty. */
  readonly domainPattern: string;
  /** The path patterns as configured. */
  readonly pathPatterns: readonly string[];
  /** The parts of a host that `*` and `**` of the domain pattern matched. */
  captures(host: string): DomainCaptures;
  /** The path pattern that matches, as configured; empty when the route has none. */
  matchedPath(path: string): string;
  readonly action: Action;
  /** Null if the route has no filters. */
  readonly filters: FilterChain | null;
  /** Null without a limit. */
  readonly speed: RouteSpeed | null;
}

/** What the wildcards of a domain pattern matched. */
export interface DomainCaptures {
  /** The values of all `*`, joined with `.`. */
  readonly domain: string;
  /** The value of `**`. */
  readonly glob: string;
}

/** The subject of a failure in a log: an exchange, or a relayed connection, which has no request. */
export interface FailureSubject {
  readonly route: RouteContext;
  readonly clientAddress: string;
  readonly host: string;
  readonly method?: string;
  readonly path?: string;
  readonly record: AccessRecord | null;
  /** See SlotHolder; left out for a relayed connection. */
  readonly slots?: unknown[] | null;
}

/** Null to go on, or the action that answers instead of the route's. See FALLBACK and DROP. */
export type Decision = Action | null;

/** A decision, or a run that results in one. */
export type Verdict = Decision | Run<Decision>;

/** Asks for another attempt at an upstream and discards this response. If no attempt is left, the client gets this response. */
export const RETRY = 'retry';

/** As Decision, for the response of an upstream. */
export type ResponseDecision = Decision | typeof RETRY;

/** A decision about a response, or a run that results in one. */
export type ResponseVerdict = ResponseDecision | Run<ResponseDecision>;

/** A connection that was accepted, before prox serves it. */
export interface ArrivingClient {
  /** The client's address, or the one that a trusted proxy announces: an IP address, or `unix`. */
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** The server name of its ClientHello in the form that routes match on; null until the ClientHello was read. */
  readonly serverName: string | null;
}

/** Lets a connection in (null), closes it and logs that, or closes it silently. */
export type ConnectionDecision = null | 'refuse' | 'drop';

/** A decision about a connection, or a run that results in one. */
export type ConnectionVerdict = ConnectionDecision | Run<ConnectionDecision>;

/**
 * Extension points, in the order of time. Each is optional. A phase that no filter of a route has is null in the compiled
 * chain and costs nothing. Request phases run in the order service, action, route; response phases in the reverse order.
 *
 *     phase               runs                                          may                                          async
 *     onConnection        a connection was accepted; again when its         let it in, refuse it, drop it                yes
 *                         ClientHello named a server (service only)
 *     onRequest           a route was chosen, before its action         go on, or have another action answer; edit   yes
 *                                                                       what the upstream gets, its body included
 *     onSelectTarget      before each attempt, where there is a balancer  give the key, exclude targets                no
 *     onUpstreamRequest   before each attempt's head is made            the same, for this attempt alone             yes
 *     onUpstreamResponse  the head of an upstream's response was read,  edit; ask for another attempt; have another  yes
 *                         nothing was sent                              action answer
 *     onResponse          the head of any response is about to be       edit status and fields; send the body        no
 *                         sent, of errors too                           through stages
 *     onEnd               the exchange has succeeded or failed          look                                         no
 *     onRelayEnd          a relayed connection is over                  look                                         no
 */
export interface Filter {
  /** True runs the filter after all others of the response phases: a content coding has to be applied last. */
  readonly encodes?: boolean;
  onConnection?(client: ArrivingClient): ConnectionVerdict;
  onRequest?(exchange: Exchange): Verdict;
  onSelectTarget?(exchange: Exchange, search: TargetSearch): void;
  onUpstreamRequest?(exchange: Exchange, attempt: EffectiveRequest): Verdict;
  onUpstreamResponse?(exchange: Exchange, response: ResponseHead): ResponseVerdict;
  onResponse?(exchange: Exchange, response: ResponseHead): void;
  onEnd?(exchange: Exchange, outcome: Outcome): void;
  onRelayEnd?(client: RelayedConnection, outcome: RelayOutcome): void;
  /** Releases timers and similar resources: the last exchange of the filter's generation is over. */
  dispose?(): void;
}

/** How an exchange ended. */
export interface Outcome {
  /** The status that was sent; 499 if the client left before that, 0 if prox closed the connection without a status. */
  readonly status: number;
  /** Bytes received from the client for this exchange, head included. */
  readonly bytesIn: number;
  /** Bytes sent to the client for this exchange, head included. */
  readonly bytesOut: number;
  readonly error: ProxyError | null;
  /** When the head of the request was complete, as `performance.now()`. */
  readonly started: number;
}

/** The filters that implement a phase; null for none. */
export type Having<K extends keyof Filter> = readonly Required<Pick<Filter, K>>[] | null;

/** The filters of a route by phase, in the order in which they run; null for a phase without filters. */
export interface FilterChain {
  readonly onConnection: Having<'onConnection'>;
  readonly onRequest: Having<'onRequest'>;
  readonly onSelectTarget: Having<'onSelectTarget'>;
  readonly onUpstreamRequest: Having<'onUpstreamRequest'>;
  readonly onUpstreamResponse: Having<'onUpstreamResponse'>;
  readonly onResponse: Having<'onResponse'>;
  readonly onEnd: Having<'onEnd'>;
  readonly onRelayEnd: Having<'onRelayEnd'>;
}
