import type { ServerHttp2Stream } from 'node:http2';
import { ProxyError } from '../../base/index.ts';
import {
  type Exchange,
  type ExchangeHandler,
  FlushResult,
  type RouteContext,
  type RouteSpeed,
} from '../../exchange/index.ts';
import type { AccessRecord } from '../../logger/index.ts';
import { CHUNKED, type Fields, type Framing } from '../../message/index.ts';
import type { Throttle } from '../../throttle/index.ts';
import { unansweredStatus } from '../error-response.ts';
import type { BoundsOwner, ExchangeBounds } from '../exchange-bounds.ts';
import { LimitedOutput, type LimitedSink } from '../limited-output.ts';
import { copyOfTrailers } from '../response-fields.ts';
import type { SessionHost } from '../session-host.ts';
import { http2ErrorResponse } from './grpc-error-response.ts';
import { MAX_QUEUED_INTERIM } from './http2-limits.ts';
import { Http2Output, mayTrail } from './http2-output.ts';
import { type BodyReader, Http2RequestBody } from './http2-request-body.ts';
import { type Http2Client, Http2Request } from './http2-request.ts';
import { http2Head } from './http2-response-head.ts';
import type { Http2StreamMemory } from './http2-stream-memory.ts';
import { HANDSHAKE_FIELDS } from './http2-websocket.ts';

/**
 *     open ──respond──> body ──end──> over
 *       │                 └──fail──> over
 *       ├──respondTunnel──> body
 *       └──fail, drop──> over
 */
const Writing = { open: 0, body: 1, over: 2 } as const;
type Writing = (typeof Writing)[keyof typeof Writing];

/** Names that an interim response or a trailer section leaves out, as they frame a message (RFC 9110 §6.5.1, §8.6). */
const FRAMING_FIELDS: ReadonlySet<string> = new Set(['content-length', 'trailer']);

/** The exchange of a stream: what actions and filters see of HTTP/2. */
export class Http2Exchange extends Http2Request implements Exchange, LimitedSink, BodyReader, BoundsOwner {
  place = -1;
  route: RouteContext;
  handler: ExchangeHandler | null = null;
  tunnel = false;
  patient = false;
  status = 0;
  error: ProxyError | null = null;
  record: AccessRecord | null = null;
  started = 0;
  /** read_timeout, write_timeout and min_rate; null without them. */
  bounds: ExchangeBounds | null = null;
  /** What node:http2 has said of the end of the stream. */
  failure: Error | null = null;
  readonly stream: ServerHttp2Stream;
  readonly body: Http2RequestBody;
  readonly output: Http2Output;
  /** In use by this exchange as long as its stream is open. */
  readonly memory: Http2StreamMemory;
  /** The upstream of the tunnel has ended its side. */
  private tunnelHalfClosed = false;
  private writing: Writing = Writing.open;
  /** Null without a speed limit. */
  private limited: LimitedOutput | null = null;
  /** The end of the response, while it waits for held bytes. */
  private pendingEnd: { readonly trailers: Fields | null } | null = null;

  /**
   * @param ended whether the stream of the client ends with the head
   */
  constructor(
    stream: ServerHttp2Stream,
    client: Http2Client,
    service: SessionHost,
    ended: boolean,
    memory: Http2StreamMemory,
  ) {
    super(client, service, memory.requestFields);
    this.stream = stream;
    this.memory = memory;
    this.route = service.unrouted;
    this.body = new Http2RequestBody(stream, this, ended, service.limits.maxBodyBytes);
    this.output = new Http2Output(stream, this);
  }

  get responded(): boolean {
    return this.writing !== Writing.open;
  }

  /** True when nothing more can be done in this exchange. */
  get over(): boolean {
    return this.writing === Writing.over;
  }

  /** Bytes of the response so far, heads as their text would be. */
  get bytesOut(): number {
    return this.output.bytes;
  }

  /** Whether the client owes something: content, or room for what it was sent. */
  get waitsForClient(): boolean {
    if (!this.over && (this.patient || (this.tunnel && !this.tunnelHalfClosed))) return false;
    return this.body.due || this.output.pending > 0;
  }

  /** Bytes that the client has taken. */
  get taken(): number {
    return this.output.bytes - this.output.pending;
  }

  resumeRequest(): void {
    if (!this.over) this.body.resume();
  }

  pauseRequest(): void {
    if (!this.over) this.body.pause();
  }

  inform(status: number, _reason: string, fields: Fields): void {
    // RFC 9110 §10.1.1: 100 is for those who wait for it.
    if (this.responded || (status === 100 && !this.expectsContinue)) return;
    // Nothing else bounds what waits for a client that does not read.
    if (this.client.queuedFrames() > MAX_QUEUED_INTERIM) return;
    const head = http2Head(fields, FRAMING_FIELDS);
    head.fields[':status'] = status;
    this.output.inform(head);
  }

  respond(status: number, _reason: string, fields: Fields, framing: Framing): void {
    if (this.writing !== Writing.open) throw new Error('the exchange has been answered already');
    // RFC 8441 §5: a 2xx would tell the client that the WebSocket is open.
    if (this.webSocketAccept !== '' && status < 300) {
      return this.refuseAnswer(new ProxyError('bad_response', `${status} to a WebSocket handshake`));
    }
    const filters = this.route.filters;
    if (filters !== null && filters.onResponse !== null) {
      for (const filter of filters.onResponse) filter.onResponse(this, status, fields);
    }
    this.status = status;
    this.writing = Writing.body;
    // RFC 9110 §8.6: no Content-Length in a 204. Nor in a 205, whose content node:http2 does not send (§15.3.6).
    const empty = status === 204 || status === 205;
    const head = http2Head(fields, empty ? FRAMING_FIELDS : null);
    head.fields[':status'] = status;
    const bodiless = empty || this.method === 'HEAD' || status === 304;
    if (framing >= 0 && !empty && status !== 304) head.fields['content-length'] ??= String(framing);
    this.output.begin(head, framing, bodiless, mayTrail(framing, this.acceptsTrailers || 'trailer' in head.fields));
  }

  respondTunnel(status: number, _reason: string, fields: Fields): void {
    if (this.writing !== Writing.open) throw new Error('the exchange has been answered already');
    if (this.webSocketAccept !== '' && fields.get('sec-websocket-accept') !== this.webSocketAccept) {
      return this.refuseAnswer(new ProxyError('bad_response', 'the wrong Sec-WebSocket-Accept'));
    }
    this.status = status === 101 ? 200 : status;
    this.writing = Writing.body;
    this.tunnel = true;
    const head = http2Head(fields, HANDSHAKE_FIELDS);
    head.fields[':status'] = this.status;
    this.output.begin(head, CHUNKED, false, false);
    this.output.flush();
    this.bounds?.clear();
    this.body.resume();
  }

  /** Limits the speed of the response. Called before it begins. */
  limit(throttle: Throttle): void {
    this.limited = new LimitedOutput(throttle, this);
  }

  /** Puts the speed limits of a route in force. @returns the one on the response */
  use(route: RouteSpeed | null): Throttle | null {
    if (route === null) return null;
    const { upload, download } = this.client.speedOf(route);
    if (upload !== null) this.body.limit(upload);
    return download;
  }

  write(buffer: Buffer, start: number, end: number): void {
    if (this.writing !== Writing.body || start === end) return;
    if (this.limited === null) this.output.write(buffer, start, end);
    else this.limited.write(buffer, start, end);
  }

  /** @internal LimitedSink */
  passBody(buffer: Buffer, start: number, end: number): void {
    this.output.write(buffer, start, end);
  }

  flush(): FlushResult {
    const result = this.output.flush();
    return this.limited !== null && this.limited.holding ? FlushResult.full : result;
  }

  /** @internal */
  outputDrained(): void {
    if (!this.over && (this.limited === null || !this.limited.holding)) this.handler?.onDrain();
  }

  /** @internal LimitedSink */
  onLimitedDrain(): void {
    this.guard(() => this.continueLimited());
  }

  private continueLimited(): void {
    const result = this.output.flush();
    if (this.limited === null || this.limited.holding) return;
    if (this.pendingEnd !== null) this.end(this.pendingEnd.trailers);
    else if (result !== FlushResult.full) this.handler?.onDrain();
  }

  end(trailers: Fields | null): FlushResult {
    if (this.writing !== Writing.body) return FlushResult.taken;
    if (this.limited !== null && this.limited.holding) {
      this.pendingEnd = { trailers: trailers === null ? null : copyOfTrailers(trailers) };
      this.output.flush();
      return FlushResult.pending;
    }
    if (this.output.missing > 0) {
      this.fail(new ProxyError('internal', `a body ${this.output.missing} bytes shorter than its Content-Length`));
      return FlushResult.pending;
    }
    const result = this.output.end(trailers === null ? null : http2Head(trailers, FRAMING_FIELDS));
    // A tunnel is over when both sides have ended.
    if (this.tunnel) this.tunnelHalfClosed = true;
    else this.finish();
    return result;
  }

  fail(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    this.service.exchangeFailed(this, error);
    if (this.responded || error.status === 0) {
      if (!this.responded) this.status = unansweredStatus(error);
      return this.cut(error);
    }
    const { status, reason, fields, body } = http2ErrorResponse(error, this.requestFields);
    this.webSocketAccept = '';
    this.respond(status, reason, fields, body.length);
    this.write(body, 0, body.length);
    this.end(null);
  }

  drop(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    this.cut(error);
  }

  /** The client is gone, or given up: tells the handler, which owes no answer any more. */
  abort(error: ProxyError): void {
    if (this.over) return;
    this.error = error;
    if (!this.responded) this.status = unansweredStatus(error);
    this.service.exchangeFailed(this, error);
    this.cut(error);
    this.dismiss(error);
  }

  /** The client was waited for in vain, or has sent what cannot be taken. */
  refuse(error: ProxyError): void {
    if (this.responded || error.status === 0) return this.abort(error);
    this.dismiss(error);
    this.fail(error);
  }

  /** @internal BoundsOwner */
  onBound(error: ProxyError): void {
    this.refuse(error);
  }

  /** @internal BodyReader */
  bodyReceived(bytes: number): void {
    this.bytesIn += bytes;
    this.client.contentReceived(bytes);
  }

  /** @internal BodyReader */
  bodyAwaited(): void {
    if (!this.over && !this.tunnel && !this.patient) this.bounds?.awaitBody();
  }

  /** @internal BodyReader */
  bodyStopped(): void {
    this.bounds?.holdBody();
    this.client.windows.watch();
  }

  /** @internal BodyReader */
  bodyEnded(trailers: Fields | null): void {
    this.bounds?.endRequest();
    this.handler?.onRequestEnd(trailers);
  }

  /** No byte has moved for stall_timeout. */
  stalled(): void {
    const error = new ProxyError('client_stalled', 'the client moved no byte for stall_timeout');
    if (this.over) this.output.reset(error);
    else this.refuse(error);
  }

  /** @internal The stream is gone. @param reason why the whole session is; null when it was this stream alone */
  streamClosed(reason: ProxyError | null): void {
    this.body.close();
    if (this.over) return;
    const { rstCode } = this.stream;
    if (!this.tunnel || rstCode !== 0 || !this.body.complete) {
      const message = this.failure?.message ?? `the client closed the stream or its connection (code ${rstCode})`;
      return this.abort(reason ?? new ProxyError('client_closed', message, { cause: this.failure }));
    }
    this.close();
    this.dismiss(new ProxyError('client_closed', 'the tunnel has ended'));
    this.settle();
  }

  /** Runs something on behalf of this exchange: what it throws costs this exchange alone. */
  guard(action: () => void): void {
    try {
      action();
    } catch (thrown) {
      this.broken(ProxyError.from(thrown));
    }
  }

  private broken(error: ProxyError): void {
    if (this.over) this.service.sessionBroken(this.clientAddress, error);
    else this.refuse(error);
  }

  /** The upstream has answered in a way that cannot be passed on. */
  private refuseAnswer(error: ProxyError): void {
    this.dismiss(error);
    this.fail(error);
  }

  /** Nothing more is wanted of the handler: it hears why, and then nothing. */
  private dismiss(error: ProxyError): void {
    const { handler } = this;
    this.handler = null;
    handler?.onAbort(error);
  }

  private cut(error: ProxyError): void {
    this.close();
    this.output.reset(error);
    this.settle();
  }

  private finish(): void {
    this.close();
    this.settle();
    if (this.body.complete) return;
    const { bytes } = this.body;
    // Nothing is wanted of one that has failed; who waits for a 100 sends nothing, and a tunnel that was refused has no
    // end to wait for.
    const refused = this.upgrade !== null || this.method === 'CONNECT';
    const unwanted = this.error !== null || refused || (this.expectsContinue && bytes === 0);
    const short = this.body.discard(this.requestFraming < 0 ? 0 : this.requestFraming - bytes);
    // RFC 9113 §8.1: NO_ERROR tells the client to stop and to keep the response. It must not overtake that, and
    // node:http2 sends what it was given before the next turn of immediates.
    if ((unwanted || !short) && !this.output.trailing) setImmediate(closeStream, this.stream);
  }

  /** The exchange is over, however it ended: writes it down. Its stream may have more to send. */
  private settle(): void {
    this.memory.records.finish(this);
    this.service.exchangeEnded();
  }

  private close(): void {
    this.writing = Writing.over;
    this.limited?.close();
    this.bounds?.clear();
  }
}

function closeStream(stream: ServerHttp2Stream): void {
  stream.close();
}
