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
 * One request and its response, whatever protocol the client speaks. Sessions make exchanges, actions answer them.
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
   * The path in match form: what routes match on, and what actions that answer themselves look at. `*` for OPTIONS, empty for
   * CONNECT.
   */
  readonly path: string;
  /** The path in forward form: what upstreams get, with the client's `%2F` and `//`. */
  readonly forwardPath: string;
  /** The query with its `?`, as sent but for bytes beyond ASCII, which are percent-encoded; or empty. */
  readonly query: string;
  /** Host and port as the client wrote them; empty only for HTTP/1.0 without Host. */
  readonly authority: string;
  /** The authority in lower case without port and trailing dot: what routes match on. */
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
  /** Address of the client behind trusted proxies (X-Forwarded-For); the peer's when that is not trusted. */
  readonly originAddress: string;
  /** True when the client's connection is encrypted. */
  readonly secure: boolean;
  /** Who the client has proved to be in the TLS handshake; null without a client certificate. */
  readonly clientCertificate: ClientCertificate | null;
  /** The peer may set X-Forwarded-* and Forwarded: its address is in trusted_proxies. */
  readonly trusted: boolean;
  /** The route that was chosen, and what it captured. */
  readonly route: RouteContext;
  /** What the access log will hold of this exchange; null when nothing logs it. Actions fill in the upstream's part. */
  readonly record: AccessRecord | null;

  /** What filters have made of the request; null while it goes to the upstream as it was received. */
  readonly effective: EffectiveRequest | null;
  /** Begins to change what the upstream gets, or goes on with it. */
  editRequest(): EffectiveRequest;

  /** Gets the request body and what happens to the client. Set by the action before it resumes the request. */
  handler: ExchangeHandler | null;

  /**
   * Both sides may be silent for as long as they like: stall_timeout does not watch the client, unless it has ended its
   * side. False at first; set by the action before it resumes the request.
   */
  patient: boolean;

  /** Runs what a timer, a thread or another process has brought: what it throws costs this exchange alone. */
  guard(action: () => void): void;

  /** The action wants the request body: from now on, or again after `pauseRequest`. */
  resumeRequest(): void;
  /** The action can take no more of the request body for now. */
  pauseRequest(): void;

  // ── the response ─────────────────────────────────────────────────────────────────────────────────────────────

  /** True when the final response head was given: no other answer is possible any more. */
  readonly responded: boolean;

  /** Sends an interim response (RFC 9110 §15.2) but 101. Left out where the client would not understand it. */
  inform(status: number, reason: string, fields: Fields): void;

  /**
   * Gives the head of the final response. It leaves together with the first bytes of the body, or on `flush`.
   * @param framing bytes of the body; CHUNKED or UNTIL_CLOSE when not known; NO_BODY. HEAD, 204 and 304 send the
   * fields alone, whatever the framing.
   * @param fields may be changed by the exchange; hop-by-hop fields and framing are its own matter.
   * @param stages what the body goes through before the stages of onResponse; null or left out for none
   */
  respond(status: number, reason: string, fields: Fields, framing: Framing, stages?: readonly BodyStage[] | null): void;

  /**
   * Switches protocols with a 101 (or a 2xx to CONNECT): from then on the bytes of both directions are passed on
   * unread, by `onRequestBody` and `write`, until `onRequestEnd` and `end`.
   */
  respondTunnel(status: number, reason: string, fields: Fields): void;

  /**
   * Gives bytes of the body. They are borrowed: they must not change until `flush` has returned `taken`; when it
   * returns anything else, never.
   */
  write(buffer: Buffer, start: number, end: number): void;

  /** Sends what was given since the last flush. Called once for each batch, such as the bytes of one read. */
  flush(): FlushResult;

  /** The response is complete, trailers included (they are left out where they cannot be sent). Flushes. */
  end(trailers: Fields | null): FlushResult;

  /**
   * The exchange has failed: answers with the status of the error when no head was given yet, else cuts the
   * connection so that the client cannot take the response as complete. The error is logged in one place, here.
   */
  fail(error: ProxyError): void;

  /** Closes the connection without an answer. */
  drop(error: ProxyError): void;
}

/** What an exchange tells the action that handles it. */
export interface ExchangeHandler {
  /** Bytes of the request body, borrowed until the call returns unless the handler pauses the request. */
  onRequestBody(buffer: Buffer, start: number, end: number): void;
  /** The bytes of one read were given: time to send them on. */
  onRequestFlush(): void;
  /** The request body is complete. Called for requests without a body only in tunnels. */
  onRequestEnd(trailers: Fields | null): void;
  /** The client has taken what was pending. */
  onDrain(): void;
  /** The client is gone, or was given up; nothing more can be sent. Called at most once, and never after the end. */
  onAbort(error: ProxyError): void;
}

/** Answers exchanges. One object serves all exchanges of the routes that use it. */
export interface Action {
  /** True when the action can answer CONNECT; any other refuses it with 405 (RFC 9110 §9.3.6). */
  readonly takesConnect?: boolean;
  /** The action to run where this one cannot answer; null or left out for none. */
  readonly fallback?: Action | null;
  /** Set by actions that take a whole connection, by the server name of its ClientHello: pass and drop. */
  readonly relay?: ConnectionAction;
  handle(exchange: Exchange): void;
}

/** Takes connections as they are, before TLS (L4). */
export interface ConnectionAction {
  /** The connection is the action's from now on: it sets the handler before it returns. */
  take(client: RelayedConnection): void;
}

/**
 * A connection that is not terminated here (L4), and what its ClientHello said.
 *
 *     dispatcher                       action
 *       ClientHello ──── take(client) ──> becomes the connection's handler
 *       <──────────────── over(error) ──  once, when both sides are gone
 */
export interface RelayedConnection {
  readonly connection: Connection;
  /** Every byte read so far: the first ones for the upstream. */
  readonly head: Buffer;
  /** The server name that the route was chosen by, in the form that routes match on. */
  readonly host: string;
  /** Address of the client, as announced by a trusted proxy where there is one; or `unix`. */
  readonly clientAddress: string;
  readonly route: RouteContext;
  /** What the access log will hold; null when nothing logs the connection. Actions fill in the upstream's part. */
  readonly record: AccessRecord | null;
  readonly deadlines: Deadlines;
  /** The connection is over. To be called once, however it ended. `error` is null when both sides have closed. */
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

/** What a compiled route knows; shared by all exchanges that take it. */
export interface RouteContext {
  /** `service:index`. */
  readonly id: string;
  /** The domain pattern as configured, or empty. */
  readonly domainPattern: string;
  /** The path patterns as configured. */
  readonly pathPatterns: readonly string[];
  /** What `*` and `**` of the domain pattern stand for in a host. */
  captures(host: string): DomainCaptures;
  /** The path pattern that matches, as configured; empty when the route has none. */
  matchedPath(path: string): string;
  readonly action: Action;
  /** Null when nothing is to be run. */
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

/** Whose failure a log tells of: an exchange, or a relayed connection, of which no request is known. */
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

/** Goes on (null), or names the action that answers instead of the route's. See FALLBACK and DROP. */
export type Decision = Action | null;

/** A decision, or a run that comes to one. */
export type Verdict = Decision | Run<Decision>;

/** Asks for another attempt at an upstream: this response is thrown away. Where no attempt is left, it goes on. */
export const RETRY = 'retry';

/** As Decision, for the response of an upstream. */
export type ResponseDecision = Decision | typeof RETRY;

/** A decision about a response, or a run that comes to one. */
export type ResponseVerdict = ResponseDecision | Run<ResponseDecision>;

/** A connection that was accepted, before anything of it is served. */
export interface ArrivingClient {
  /** As announced by a trusted proxy where there is one; an IP address, or `unix`. */
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** The server name of its ClientHello in the form that routes match on; null as long as that was not read. */
  readonly serverName: string | null;
}

/** Lets a connection in (null), closes it and logs that, or closes it silently. */
export type ConnectionDecision = null | 'refuse' | 'drop';

/** A decision about a connection, or a run that comes to one. */
export type ConnectionVerdict = ConnectionDecision | Run<ConnectionDecision>;

/**
 * Extension points, in the order of time. Each is optional, and one that no filter of a route has costs nothing: it is
 * null in the compiled chain. Request phases run in the order service, action, route; response phases in the reverse.
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
 *     onEnd               the exchange is over, however it ended        look                                         no
 *     onRelayEnd          a relayed connection is over                  look                                         no
 */
export interface Filter {
  /** It sees a response after all other filters of the phase, whatever its place: for codings, which have to come last. */
  readonly encodes?: boolean;
  onConnection?(client: ArrivingClient): ConnectionVerdict;
  onRequest?(exchange: Exchange): Verdict;
  onSelectTarget?(exchange: Exchange, search: TargetSearch): void;
  onUpstreamRequest?(exchange: Exchange, attempt: EffectiveRequest): Verdict;
  onUpstreamResponse?(exchange: Exchange, response: ResponseHead): ResponseVerdict;
  onResponse?(exchange: Exchange, response: ResponseHead): void;
  onEnd?(exchange: Exchange, outcome: Outcome): void;
  onRelayEnd?(client: RelayedConnection, outcome: RelayOutcome): void;
  /** Lets go of timers and the like: the last exchange of the filter's generation is over. */
  dispose?(): void;
}

/** How an exchange ended. */
export interface Outcome {
  /** The status that was sent; 499 when the client went before there was one, 0 when prox ended it without one. */
  readonly status: number;
  /** Bytes received from the client for this exchange, head included. */
  readonly bytesIn: number;
  /** Bytes sent to the client for this exchange, head included. */
  readonly bytesOut: number;
  readonly error: ProxyError | null;
  /** When the head of the request was complete, as `performance.now()`. */
  readonly started: number;
}

/** Filters that have a phase; null for none. */
export type Having<K extends keyof Filter> = readonly Required<Pick<Filter, K>>[] | null;

/** The filters of a route by phase, in the order of running; null where there are none. */
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
