import { ProxyError } from '../../base/index.ts';
import { type Exchange, type ExchangeHandler, FlushResult, type RouteContext } from '../../exchange/index.ts';
import type { AccessRecord } from '../../logger/index.ts';
import {
  CHUNKED,
  currentHttpDate,
  FieldId,
  type Fields,
  type Framing,
  NO_BODY,
  UNTIL_CLOSE,
} from '../../message/index.ts';
import type { Throttle } from '../../throttle/index.ts';
import type { ClientCertificate, Connection } from '../../transport/index.ts';
import { errorResponse, unansweredStatus } from '../error-response.ts';
import { LimitedOutput, type LimitedSink } from '../limited-output.ts';
import { originAddress } from '../origin-address.ts';
import { copyOfTrailers, INTERIM_DROP, RESPONSE_DROP, TRAILER_DROP } from '../response-fields.ts';
import type { SessionHost } from '../session-host.ts';

const FORBIDS_BODY = -3;

/**
 *     open ──respond──> body ──end──> over
 *       │                 └──fail──> over
 *       ├──respondTunnel──> body
 *       └──fail, drop──> over
 */
const Writing = { open: 0, body: 1, over: 2 } as const;
type Writing = (typeof Writing)[keyof typeof Writing];

/** What an exchange needs of the session that it belongs to. */
export interface ExchangeSession {
  readonly connection: Connection;
  readonly clientAddress: string;
  readonly secure: boolean;
  /** The body is wanted. */
  resumeBody(): void;
  /** No more of the body is wanted for now. */
  pauseBody(): void;
  /** Whether the response that begins now has to be the last one on the connection. */
  mustCloseAfterResponse(status: number): boolean;
  /** Sends what was written to the connection. */
  flush(): FlushResult;
  /** From here on, the client's bytes are passed on as they are. */
  startTunnel(): void;
  /** The other side of the tunnel has sent its last byte. */
  endTunnelOutput(): void;
  /** The response is complete. */
  exchangeOver(exchange: Http1Exchange): void;
  /** The exchange cannot be completed: nothing more is sent, and the client must notice. */
  cut(exchange: Http1Exchange): void;
}

/** The exchange of an HTTP/1.1 session: reads out of its parser, writes to its connection. */
export class Http1Exchange implements Exchange, LimitedSink {
  method = '';
  path = '';
  forwardPath = '';
  query = '';
  authority = '';
  host = '';
  expectsContinue = false;
  upgrade: string | null = null;
  requestFraming: Framing = NO_BODY;
  route: RouteContext;
  handler: ExchangeHandler | null = null;
  readonly requestFields: Fields;
  /** The generation of the service that this exchange began with. */
  readonly service: SessionHost;
  /** Whether the connection goes on after this exchange. */
  persistent = true;
  /** The client speaks HTTP/1.1. */
  modern = true;
  tunnel = false;
  patient = false;
  /** Bytes of the request taken so far, head included. */
  bytesIn = 0;
  status = 0;
  error: ProxyError | null = null;

  /** Null when nothing logs the exchange. */
  record: AccessRecord | null = null;
  /** When the head was complete, as `performance.now()`; only with a record. */
  started = 0;

  private readonly session: ExchangeSession;
  private readonly bytesBefore: number;
  private writing: Writing = Writing.open;
  /** How the body is framed towards the client: bytes that are still due, CHUNKED, UNTIL_CLOSE or FORBIDS_BODY. */
  private framing = 0;
  /** Null without a speed limit. */
  private limited: LimitedOutput | null = null;
  /** The end of the response, while it waits for held bytes. */
  private pendingEnd: { readonly trailers: Fields | null } | null = null;

  constructor(session: ExchangeSession, service: SessionHost, fields: Fields) {
    this.session = session;
    this.service = service;
    this.requestFields = fields;
    this.route = service.unrouted;
    this.bytesBefore = session.connection.bytesWritten;
  }

  get protocol(): string {
    return this.modern ? 'HTTP/1.1' : 'HTTP/1.0';
  }

  get clientAddress(): string {
    return this.session.clientAddress;
  }

  get clientPort(): number {
    return this.session.connection.remotePort;
  }

  get localAddress(): string {
    return this.session.connection.localAddress;
  }

  get localPort(): number {
    return this.session.connection.localPort;
  }

  get secure(): boolean {
    return this.session.secure;
  }

  get clientCertificate(): ClientCertificate | null {
    return this.session.connection.tls?.client ?? null;
  }

  get trusted(): boolean {
    return this.service.trusts(this.session.clientAddress);
  }

  get originAddress(): string {
    if (!this.trusted) return this.session.clientAddress;
    const list = this.requestFields.list(FieldId.xForwardedFor);
    return originAddress(list, this.session.clientAddress, (address) => this.service.trusts(address));
  }

  get acceptsTrailers(): boolean {
    return /(^|,)\s*trailers\s*(,|$)/i.test(this.requestFields.list(FieldId.te) ?? '');
  }

  get responded(): boolean {
    return this.writing !== Writing.open;
  }

  /** Milliseconds that the client may be silent or slow; 0 is for ever. */
  get patience(): number {
    return this.patient ? 0 : this.service.limits.stallTimeout;
  }

  /** True when nothing more can be done in this exchange. */
  get over(): boolean {
    return this.writing === Writing.over;
  }

  /** Bytes sent for this exchange so far. */
  get bytesOut(): number {
    return this.session.connection.bytesWritten - this.bytesBefore;
  }

  resumeRequest(): void {
    if (!this.over) this.session.resumeBody();
  }

  pauseRequest(): void {
    if (!this.over) this.session.pauseBody();
  }

  inform(status: number, reason: string, fields: Fields): void {
    // RFC 9110 §15.2: HTTP/1.0 has no 1xx. §10.1.1: 100 is for those who wait for it.
    if (!this.modern || this.responded || (status === 100 && !this.expectsContinue)) return;
    const { connection } = this.session;
    connection.text(`HTTP/1.1 ${status} ${reason}\r\n${fields.lines(INTERIM_DROP)}\r\n`);
    connection.flush();
  }

  respond(status: number, reason: string, fields: Fields, framing: Framing): void {
    if (this.writing !== Writing.open) throw new Error('the exchange has been answered already');
    const filters = this.route.filters;
    if (filters !== null && filters.onResponse !== null) {
      for (const filter of filters.onResponse) filter.onResponse(this, status, fields);
    }
    this.status = status;
    this.writing = Writing.body;
    if (this.session.mustCloseAfterResponse(status)) this.persistent = false;
    const framingLine = this.chooseFraming(status, fields, framing);
    let head = status === 200 && reason === 'OK' ? 'HTTP/1.1 200 OK\r\n' : `HTTP/1.1 ${status} ${reason}\r\n`;
    head += fields.lines(RESPONSE_DROP);
    // RFC 9110 §6.6.1: a recipient with a clock adds the Date that is missing.
    if ((fields.present & (1 << FieldId.date)) === 0 && !fields.has('date')) head += `Date: ${currentHttpDate()}\r\n`;
    head += framingLine;
    if (!this.persistent) head += 'Connection: close\r\n\r\n';
    else head += this.modern ? '\r\n' : 'Connection: keep-alive\r\n\r\n';
    this.session.connection.text(head);
  }

  respondTunnel(status: number, reason: string, fields: Fields): void {
    if (this.writing !== Writing.open) throw new Error('the exchange has been answered already');
    this.status = status;
    this.writing = Writing.body;
    this.framing = UNTIL_CLOSE;
    this.persistent = false;
    this.tunnel = true;
    // RFC 9110 §9.3.6 and §8.6: no Content-Length in a 2xx to CONNECT nor in a 101, where bytes of the tunnel follow.
    fields.remove('content-length');
    const upgrade = status === 101 ? `Connection: upgrade\r\nUpgrade: ${fields.list(FieldId.upgrade) ?? ''}\r\n` : '';
    this.session.connection.text(`HTTP/1.1 ${status} ${reason}\r\n${fields.lines(RESPONSE_DROP)}${upgrade}\r\n`);
    this.session.connection.flush();
    this.session.startTunnel();
  }

  /** Limits the speed of the response. Called before it begins. */
  limit(throttle: Throttle): void {
    this.limited = new LimitedOutput(throttle, this);
  }

  write(buffer: Buffer, start: number, end: number): void {
    if (this.writing !== Writing.body || start === end) return;
    if (this.limited === null) this.passBody(buffer, start, end);
    else this.limited.write(buffer, start, end);
  }

  /** @internal LimitedSink; the way of every body. */
  passBody(buffer: Buffer, start: number, end: number): void {
    const { connection } = this.session;
    if (this.framing === CHUNKED) {
      connection.text(`${(end - start).toString(16)}\r\n`);
      connection.bytes(buffer, start, end);
      connection.text('\r\n');
      return;
    }
    if (this.framing === FORBIDS_BODY) return;
    if (this.framing >= 0) {
      if (end - start > this.framing) throw new ProxyError('internal', 'a body longer than its Content-Length');
      this.framing -= end - start;
    }
    connection.bytes(buffer, start, end);
  }

  flush(): FlushResult {
    const result = this.session.flush();
    return this.limited !== null && this.limited.holding ? FlushResult.full : result;
  }

  /** @internal The client has taken what was pending. */
  onDrain(): void {
    if (this.limited === null || !this.limited.holding) this.handler?.onDrain();
  }

  /** @internal LimitedSink */
  onLimitedDrain(): void {
    this.session.connection.guard(() => this.continueLimited());
  }

  private continueLimited(): void {
    const result = this.session.flush();
    if (this.limited === null || this.limited.holding) return;
    if (this.pendingEnd !== null) this.end(this.pendingEnd.trailers);
    else if (result !== FlushResult.full) this.handler?.onDrain();
  }

  end(trailers: Fields | null): FlushResult {
    if (this.writing !== Writing.body) return FlushResult.taken;
    if (this.limited !== null && this.limited.holding) {
      this.pendingEnd = { trailers: trailers === null ? null : copyOfTrailers(trailers) };
      this.session.flush();
      return FlushResult.pending;
    }
    if (this.tunnel) {
      this.session.endTunnelOutput();
      return FlushResult.pending;
    }
    if (this.framing > 0) {
      this.fail(new ProxyError('internal', `a body ${this.framing} bytes shorter than its Content-Length`));
      return FlushResult.pending;
    }
    if (this.framing === CHUNKED) {
      // RFC 9110 §6.5.1: trailers may be dropped where the client did not ask for them, not where it did.
      this.session.connection.text(trailers === null ? '0\r\n\r\n' : `0\r\n${trailers.lines(TRAILER_DROP)}\r\n`);
    }
    const result = this.session.flush();
    this.finish();
    return result;
  }

  fail(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    this.service.exchangeFailed(this, error);
    if (this.responded || error.status === 0) {
      if (!this.responded) this.status = unansweredStatus(error);
      this.close();
      return this.session.cut(this);
    }
    const { status, reason, fields, body } = errorResponse(error);
    this.respond(status, reason, fields, body.length);
    this.write(body, 0, body.length);
    this.end(null);
  }

  drop(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    this.close();
    this.session.cut(this);
  }

  /** The client is gone, or given up: tells the handler, which owes no answer any more. */
  abort(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    if (!this.responded) this.status = unansweredStatus(error);
    this.close();
    this.service.exchangeFailed(this, error);
    this.dismiss(error);
  }

  /** Nothing more is wanted of the handler: it hears why, and then nothing. */
  dismiss(error: ProxyError): void {
    const { handler } = this;
    this.handler = null;
    handler?.onAbort(error);
  }

  private close(): void {
    this.writing = Writing.over;
    this.limited?.close();
  }

  private finish(): void {
    this.close();
    this.session.exchangeOver(this);
  }

  /** A tunnel has ended as tunnels do: both sides have closed. */
  endTunnel(): void {
    if (this.over) return;
    this.close();
    this.dismiss(new ProxyError('client_closed', 'the tunnel has ended'));
  }

  /** Decides how the client finds the end of the body (RFC 9112 §6.3), and returns the field line that says it. */
  private chooseFraming(status: number, fields: Fields, framing: Framing): string {
    const forbidden = this.method === 'HEAD' || status === 204 || status === 304;
    const hasLength = (fields.present & (1 << FieldId.contentLength)) !== 0;
    // RFC 9110 §8.6: no Content-Length in a 204.
    if (hasLength && status === 204) fields.remove('content-length');
    if (forbidden) {
      this.framing = FORBIDS_BODY;
      // RFC 9110 §8.6: HEAD tells the length that GET would have; 304 need not, and 204 must not.
      const tells = framing >= 0 && !hasLength && status !== 204 && status !== 304;
      return tells ? `Content-Length: ${framing}\r\n` : '';
    }
    if (framing >= 0) {
      this.framing = framing;
      return hasLength ? '' : `Content-Length: ${framing}\r\n`;
    }
    if (this.modern) {
      this.framing = CHUNKED;
      return 'Transfer-Encoding: chunked\r\n';
    }
    this.framing = UNTIL_CLOSE;
    this.persistent = false;
    return '';
  }
}
