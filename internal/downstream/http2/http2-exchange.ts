import { ProxyError } from '../../base/index.ts';
import { type BodyStage, type ConnectionSpeed, FlushResult, type RouteSpeed } from '../../exchange/index.ts';
import {
  CHUNKED,
  EMPTY_RESPONSE_DROP,
  Fields,
  type Framing,
  RESPONSE_DROP,
  TRAILER_DROP,
} from '../../message/index.ts';
import type { Throttle } from '../../throttle/index.ts';
import { ClientExchange, Writing } from '../client-exchange.ts';
import type { ErrorAnswer } from '../error-response.ts';
import type { BoundsOwner, ExchangeBounds } from '../exchange-bounds.ts';
import type { Client } from '../received-request.ts';
import type { SessionHost } from '../session-host.ts';
import { SessionRecords } from '../session-records.ts';
import { acceptsTrailers } from './describe-http2-request.ts';
import { http2ErrorResponse } from './grpc-error-response.ts';
import { ErrorCode, MAX_QUEUED_INTERIM } from './http2-limits.ts';
import { Http2Output, mayTrail } from './http2-output.ts';
import type { Http2Fields, ServerStream, ServerStreamOwner } from './http2-port.ts';
import { type BodyReader, Http2RequestBody } from './http2-request-body.ts';
import { http2Head } from './http2-response-head.ts';
import { HANDSHAKE_FIELDS } from './http2-websocket.ts';

/** The session of an exchange as the exchange sees it. */
export interface Http2Client extends Client {
  /** `watch` is called when a stream is not read any more. */
  readonly windows: { watch(): void };
  /** The limits of a route for this connection. */
  speedOf(route: RouteSpeed): ConnectionSpeed;
  /** Bytes of content came on a stream: a sign of life. */
  contentReceived(bytes: number): void;
  /** Frames that wait to be sent. */
  queuedFrames(): number;
  /** The stream of an exchange is gone. */
  streamOnClose(exchange: Http2Exchange): void;
}

/** Objects of a stream that are expensive to make: a session passes them from one stream to the next. */
export class Http2StreamMemory {
  readonly records = new SessionRecords();
  readonly requestFields = new Fields();
}

/** The exchange of a stream: actions and filters see HTTP/2 through it. */
export class Http2Exchange extends ClientExchange implements BodyReader, BoundsOwner, ServerStreamOwner {
  place = -1;
  /** The expected Sec-WebSocket-Accept; empty unless an extended CONNECT asks for a WebSocket (RFC 8441). */
  webSocketAccept = '';
  /** HTTP/2 has the features that HTTP/1.0 lacks. */
  readonly modern = true;
  readonly protocol = 'HTTP/2.0';
  /** read_timeout, write_timeout and min_rate; null without them. */
  bounds: ExchangeBounds | null = null;
  /** The error that has ended the stream. */
  failure: Error | null = null;
  readonly stream: ServerStream;
  readonly body: Http2RequestBody;
  readonly output: Http2Output;
  /** In use by this exchange as long as its stream is open. */
  readonly memory: Http2StreamMemory;
  protected readonly client: Http2Client;
  /** The upstream of the tunnel has ended its side. */
  private tunnelHalfClosed = false;

  /**
   * @param ended whether the stream of the client ends with the head
   */
  constructor(
    stream: ServerStream,
    client: Http2Client,
    service: SessionHost,
    ended: boolean,
    memory: Http2StreamMemory,
  ) {
    super(service, memory.requestFields);
    this.client = client;
    this.stream = stream;
    this.memory = memory;
    this.body = new Http2RequestBody(stream, this, ended, service.limits.maxBodyBytes);
    this.output = new Http2Output(stream, this);
    stream.attach(this, !ended);
  }

  get acceptsTrailers(): boolean {
    return acceptsTrailers(this);
  }

  /** Bytes of the response so far; heads count as their text in HTTP/1.1. */
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
    // RFC 9110 §10.1.1: 100 is for a client that waits for it.
    if (this.responded || (status === 100 && !this.expectsContinue)) return;
    // This is the only bound on frames for a client that does not read.
    if (this.client.queuedFrames() > MAX_QUEUED_INTERIM) return;
    const head = http2Head(fields, EMPTY_RESPONSE_DROP);
    head.fields[':status'] = status;
    this.output.inform(head);
  }

  override respond(
    status: number,
    reason: string,
    fields: Fields,
    framing: Framing,
    stages: readonly BodyStage[] | null = null,
  ): void {
    // RFC 8441 §5: a 2xx would tell the client that the WebSocket is open.
    if (!this.responded && this.webSocketAccept !== '' && status < 300) {
      return this.giveUp(new ProxyError('bad_response', `${status} to a WebSocket handshake`));
    }
    super.respond(status, reason, fields, framing, stages);
  }

  protected sendHead(status: number, _reason: string, fields: Fields, framing: Framing): void {
    // RFC 9110 §8.6: no Content-Length in a 204. Nor in a 205, whose content node:http2 does not send (§15.3.6).
    const empty = status === 204 || status === 205;
    const head = http2Head(fields, empty ? EMPTY_RESPONSE_DROP : RESPONSE_DROP);
    head.fields[':status'] = status;
    const bodiless = empty || this.method === 'HEAD' || status === 304;
    if (framing >= 0 && !empty && status !== 304) head.fields['content-length'] ??= String(framing);
    this.output.begin(head, framing, bodiless, mayTrail(framing, this.acceptsTrailers || 'trailer' in head.fields));
  }

  respondTunnel(status: number, _reason: string, fields: Fields): void {
    if (this.writing !== Writing.open) throw new Error('the exchange has been answered already');
    if (this.webSocketAccept !== '' && fields.get('sec-websocket-accept') !== this.webSocketAccept) {
      return this.giveUp(new ProxyError('bad_response', 'the wrong Sec-WebSocket-Accept'));
    }
    this.status = status === 101 ? 200 : status;
    this.writing = Writing.body;
    this.tunnel = true;
    this.limitTunnel();
    const head = http2Head(fields, EMPTY_RESPONSE_DROP, HANDSHAKE_FIELDS);
    head.fields[':status'] = this.status;
    this.output.begin(head, CHUNKED, false, false);
    this.output.flush();
    this.bounds?.clear();
    this.body.resume();
  }

  /** Puts the speed limits of a route in force. @returns the one on the response */
  use(route: RouteSpeed | null): Throttle | null {
    if (route === null) return null;
    const { upload, download } = this.client.speedOf(route);
    if (upload !== null) this.body.limit(upload);
    return download;
  }

  sendBody(buffer: Buffer, start: number, end: number): void {
    this.output.write(buffer, start, end);
  }

  sendFlush(): FlushResult {
    return this.output.flush();
  }

  /** @internal */
  outputDrained(): void {
    this.onDrain();
  }

  sendEnd(trailers: Fields | null): FlushResult {
    if (this.output.missing > 0) {
      this.fail(new ProxyError('internal', `a body ${this.output.missing} bytes shorter than its Content-Length`));
      return FlushResult.pending;
    }
    const result = this.output.end(trailers === null ? null : http2Head(trailers, TRAILER_DROP));
    // A tunnel is over when both sides have ended.
    if (this.tunnel) this.tunnelHalfClosed = true;
    else this.finish();
    return result;
  }

  protected errorAnswer(error: ProxyError): ErrorAnswer {
    this.webSocketAccept = '';
    return http2ErrorResponse(error, this.requestFields);
  }

  protected cutOff(error: ProxyError): void {
    this.close();
    this.output.reset(error);
    this.settle();
  }

  protected abandon(error: ProxyError): void {
    this.cutOff(error);
  }

  /** The client did not send or take bytes in time, or has sent a body that prox refuses. */
  refuse(error: ProxyError): void {
    if (this.responded || error.status === 0) return this.abort(error);
    this.giveUp(error);
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
    const { resetCode } = this.stream;
    if (!this.tunnel || resetCode !== 0 || !this.body.complete) {
      const message = this.failure?.message ?? `the client closed the stream or its connection (code ${resetCode})`;
      return this.abort(reason ?? new ProxyError('client_closed', message, { cause: this.failure }));
    }
    this.close();
    this.dismiss(new ProxyError('client_closed', 'the tunnel has ended'));
    this.settle();
  }

  // ── ServerStreamOwner ────────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  streamOnData(content: Buffer): void {
    try {
      this.body.streamOnData(content);
    } catch (thrown) {
      this.broken(ProxyError.from(thrown));
    }
  }

  /** @internal */
  streamOnEnd(): void {
    this.guard(() => this.body.streamOnEnd());
  }

  /** @internal */
  streamOnTrailers(pairs: readonly string[]): void {
    this.guard(() => this.body.streamOnTrailers(pairs));
  }

  /** @internal */
  streamOnDrain(): void {
    this.guard(() => this.output.streamOnDrain());
  }

  /** @internal */
  streamWantsTrailers(): Http2Fields {
    return this.output.trailerSection;
  }

  /** @internal */
  streamOnError(error: Error): void {
    this.failure = error;
  }

  /** @internal */
  streamOnClose(): void {
    this.client.streamOnClose(this);
  }

  /** Runs an action of this exchange. An error that it throws ends this exchange alone. */
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

  private finish(): void {
    this.close();
    this.settle();
    if (this.body.complete) return;
    const { bytes } = this.body;
    // The body is not needed after a failure. A client that waits for a 100 sends no body, and a refused tunnel has no end
    // to wait for.
    const refused = this.upgrade !== null || this.method === 'CONNECT';
    const unwanted = this.error !== null || refused || (this.expectsContinue && bytes === 0);
    const short = this.body.discard(this.requestFraming < 0 ? 0 : this.requestFraming - bytes);
    // RFC 9113 §8.1: NO_ERROR tells the client to stop and to keep the response. It must not overtake the response;
    // node:http2 sends pending frames before the next immediates run.
    if ((unwanted || !short) && !this.output.trailing) setImmediate(closeStream, this.stream);
  }

  /** The exchange has succeeded or failed: logs it. Its stream may have more to send. */
  private settle(): void {
    this.memory.records.finish(this);
    this.service.exchangeEnded();
  }

  protected override close(): void {
    super.close();
    this.bounds?.clear();
  }
}

function closeStream(stream: ServerStream): void {
  stream.close(ErrorCode.noError);
}
