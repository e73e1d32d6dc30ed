import { type Deadline, type Deadlines, type Member, ProxyError } from '../../base/index.ts';
import { type HeadLimits, TRAILER_LIMITS } from '../../http1/index.ts';
import {
  CHUNKED,
  type Fields,
  type Framing,
  isBodiless,
  NO_BODY,
  TRAILER_DROP,
  UNTIL_CLOSE,
} from '../../message/index.ts';
import { WriteState } from '../../transport/index.ts';
import { switchedFields } from './extended-connect.ts';
import { overdueAt } from './grpc-timeout.ts';
import { Http2Code, noUpgrade, refused, type SessionFate, streamError } from './http2-errors.ts';
import { addHttp2Fields } from './http2-fields.ts';
import type { ClientStream, ClientStreamOwner } from './http2-port.ts';
import { readResponseFields, responseFramingOf, statusOf } from './http2-response.ts';
import type { ResponseHandler } from '../response-handler.ts';
import type { Http2RequestHead, UpstreamLink, UpstreamRequest, UpstreamTimeouts } from '../upstream-link.ts';

/**
 *     idle ──send──> awaiting ──head──> body ──END_STREAM──> over
 *                     │    ↑ interim       │
 *                     │    └──             └──RST_STREAM, session lost──> over
 *                     └──2xx to CONNECT──> tunnel ──> over
 */
const Reading = { idle: 0, awaiting: 1, body: 2, tunnel: 3, over: 4 } as const;
type Reading = (typeof Reading)[keyof typeof Reading];

/** The session of an exchange as the exchange sees it. */
export interface LinkSession extends SessionFate {
  readonly deadlines: Deadlines;
  readonly headLimits: HeadLimits;
  /** Writes of request bodies that are not over. */
  writes: number;
  /** Requests that were refused since the last response head. */
  refusals: number;
  /** Whether upgrades can be asked for (RFC 8441 §3). */
  readonly takesExtendedConnect: boolean;
  /** Sends a request head. @throws Error if the session does not accept it any more */
  request(head: Http2RequestHead, endStream: boolean, waitForTrailers: boolean): ClientStream;
  /** A request was refused. */
  refused(): void;
  /** The stream is over, or never began. */
  released(link: Http2Link): void;
  /** Some stream is not read any more. */
  stopped(): void;
}

/** One exchange on a stream of an HTTP/2 session (RFC 9113 §8.1). */
export class Http2Link implements UpstreamLink, ClientStreamOwner, Member {
  place = -1;
  readonly mayRefuse = true;
  private readonly session: LinkSession;
  private readonly deadline: Deadline;
  private readonly onWritten: () => void;
  private stream: ClientStream | null = null;
  private handler: ResponseHandler | null = null;
  private timeouts: UpstreamTimeouts = { responseHeader: 0, stall: 0 };
  private reading: Reading = Reading.idle;
  private request: UpstreamRequest | null = null;
  private requestSent = true;
  /** Trailers of the request body, until it is complete. */
  private requestTrailers: Fields | null = null;
  private requestFraming: Framing = NO_BODY;
  /** Bytes of the response body that are still due; CHUNKED if their number is not known. */
  private due: Framing = CHUNKED;
  private trailers: Fields | null = null;
  private paused = false;
  private flushScheduled = false;
  /** The upstream's side of the stream is over. */
  private ended = false;
  private released = false;
  /** When the call is overdue by its `grpc-timeout`, on the clock of `Deadlines.read`. */
  private overdueAt = Infinity;

  constructor(session: LinkSession) {
    this.session = session;
    this.deadline = session.deadlines.create(() => this.guard(() => this.onDeadline()));
    this.onWritten = () => this.pieceLeft();
  }

  send(request: UpstreamRequest, timeouts: UpstreamTimeouts, handler: ResponseHandler): void {
    const { framing } = request;
    this.request = request;
    this.handler = handler;
    this.timeouts = timeouts;
    this.requestFraming = framing;
    this.requestSent = framing === NO_BODY;
    this.reading = Reading.awaiting;
    if (request.upgrade !== null && !this.session.takesExtendedConnect) return this.failLater(noUpgrade(request));
    const head = request.http2Head();
    const callTimeout = head['grpc-timeout'];
    if (callTimeout !== undefined) this.overdueAt = overdueAt(callTimeout, this.session.deadlines.read());
    try {
      this.stream = this.session.request(head, framing === NO_BODY, framing === CHUNKED);
    } catch (cause) {
      return this.failLater(refused(cause));
    }
    this.stream.attach(this);
    this.expect(this.bodyDue ? 0 : timeouts.responseHeader);
  }

  write(buffer: Buffer, start: number, end: number): void {
    const { stream } = this;
    if (stream === null || this.requestSent || !stream.writable) return;
    this.session.writes++;
    stream.write(buffer.subarray(start, end), this.onWritten);
  }

  flush(): WriteState {
    const { stream } = this;
    if (stream === null || stream.unsent === 0) return WriteState.taken;
    if (this.bodyDue) this.expect(this.timeouts.stall);
    return stream.full ? WriteState.full : WriteState.pending;
  }

  endRequest(trailers: Fields | null): void {
    const { stream } = this;
    if (this.requestSent) return;
    this.requestSent = true;
    // Trailers are sent in a later turn, when the client's connection may already have reused their memory.
    this.requestTrailers = trailers === null ? null : trailers.copy();
    if (stream?.writable === true) stream.end();
    if (this.reading === Reading.awaiting) this.expect(this.timeouts.responseHeader);
    else this.expectBody();
  }

  /** Bytes that were received and not read yet. */
  get unread(): number {
    return this.stream?.unread ?? 0;
  }

  /** More of the response may come, but it is not read now. */
  get stopped(): boolean {
    return this.paused && !this.ended;
  }

  pause(): void {
    this.paused = true;
    this.stream?.pause();
    this.session.stopped();
    if (this.reading !== Reading.awaiting) this.expect(0);
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.reading !== Reading.awaiting) this.expectBody();
    if (this.reading === Reading.body || this.reading === Reading.tunnel) this.stream?.resume();
  }

  abort(): void {
    this.handler = null;
    this.reading = Reading.over;
    this.reset();
  }

  // ── the stream ───────────────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  streamOnHead(status: unknown, pairs: readonly string[], ended: boolean): void {
    this.guard(() => this.headCame(status, pairs, ended));
  }

  /** @internal */
  streamOnTrailers(pairs: readonly string[]): void {
    this.guard(() => this.trailersCame(pairs));
  }

  /** @internal */
  streamOnData(content: Buffer): void {
    try {
      this.contentCame(content);
    } catch (error) {
      this.fail(ProxyError.from(error));
    }
  }

  /** @internal */
  streamOnEnd(): void {
    this.guard(() => this.endCame());
  }

  /** @internal */
  streamOnDrain(): void {
    this.guard(() => this.handler?.onUpstreamDrain());
  }

  /** @internal */
  streamWantsTrailers(): Http2RequestHead {
    const trailers: Http2RequestHead = Object.create(null);
    if (this.requestTrailers !== null) addHttp2Fields(trailers, this.requestTrailers.pairs(TRAILER_DROP));
    return trailers;
  }

  /** @internal */
  streamOnClose(): void {
    this.guard(() => this.streamClosed());
  }

  /** Interim and final heads, and trailers that hold a status. */
  private headCame(said: unknown, raw: readonly string[], ended: boolean): void {
    const { handler, request } = this;
    if (handler === null || request === null) return;
    if (this.reading !== Reading.awaiting) throw new ProxyError('bad_response', 'more than one response on a stream');
    this.session.refusals = 0;
    const status = statusOf(said);
    const fields = readResponseFields(raw, this.session.headLimits);
    if (status < 200) {
      handler.onInterim(status, '', fields);
      return this.scheduleFlush();
    }
    const tunnel = (request.upgrade !== null || request.method === 'CONNECT') && status < 300;
    if (tunnel)
      return this.beginTunnel(
        handler,
        request,
        status,
        request.upgrade === null ? fields : switchedFields(request, raw),
      );
    if (this.requestFraming === UNTIL_CLOSE) this.requestSent = true;
    const framing = responseFramingOf(fields, status, request.method, ended);
    this.due = isBodiless(status, request.method) ? 0 : framing;
    this.reading = Reading.body;
    this.expectBody();
    handler.onResponse(status, '', fields, framing);
    if (!ended) return this.read();
    // Done at once, so that head and end are passed on together: gRPC recognizes a trailers-only response by this.
    this.stream?.resume();
    this.endCame();
  }

  private beginTunnel(handler: ResponseHandler, request: UpstreamRequest, status: number, fields: Fields): void {
    this.reading = Reading.tunnel;
    this.due = CHUNKED;
    this.expect(0);
    handler.onTunnel(request.upgrade === null ? status : 101, '', fields);
    this.read();
  }

  /** Reads the body from now on. Bytes that come at once leave together with the head. */
  private read(): void {
    this.stream?.startReading();
    if (this.paused) this.stream?.pause();
    this.scheduleFlush();
  }

  private contentCame(chunk: Buffer): void {
    const { handler } = this;
    if (handler === null) return;
    if (this.due >= 0) {
      this.due -= chunk.length;
      if (this.due < 0) throw new ProxyError('bad_response', 'a body longer than its Content-Length');
    }
    if (this.reading === Reading.body) this.expectBody();
    else if (this.requestSent && !this.paused) this.expect(this.timeouts.stall);
    handler.onResponseBody(chunk, 0, chunk.length);
    this.scheduleFlush();
  }

  private trailersCame(raw: readonly string[]): void {
    // A section before the head of the response is no trailer section.
    if (this.reading === Reading.awaiting) throw new ProxyError('bad_response', 'a response without a status');
    this.trailers = readResponseFields(raw, TRAILER_LIMITS);
  }

  private endCame(): void {
    const { handler, stream } = this;
    if (handler === null || stream === null) return;
    if (stream.truncated || stream.resetCode !== Http2Code.noError) return this.streamClosed();
    this.ended = true;
    if (this.reading === Reading.tunnel) {
      handler.onResponseEnd(null);
      return;
    }
    if (this.due > 0) throw new ProxyError('bad_response', `a body ${this.due} bytes shorter than its Content-Length`);
    this.handler = null;
    this.reading = Reading.over;
    this.session.deadlines.remove(this.deadline);
    // RFC 9113 §8.1: the upstream does not need the rest of the request any more.
    if (!this.requestSent) this.reset();
    handler.onResponseEnd(this.trailers);
  }

  /** The upstream has taken one piece of the request body: the next one is due, if there is one. */
  private pieceLeft(): void {
    this.session.writes--;
    if (this.bodyDue) this.expect(this.stream?.unsent === 0 ? 0 : this.timeouts.stall);
  }

  private streamClosed(): void {
    if (this.stream?.resetCode === Http2Code.refusedStream && this.reading === Reading.awaiting) this.session.refused();
    this.release();
    const { handler, stream } = this;
    if (handler === null || stream === null) return;
    const code = stream.resetCode;
    // A tunnel whose upstream has ended its side ends with the stream, without an error.
    if (this.reading === Reading.tunnel && this.ended && code === Http2Code.noError) return;
    const anyByte = this.reading !== Reading.awaiting;
    const overdue = this.overdueAt !== Infinity && this.session.deadlines.read() >= this.overdueAt;
    this.fail(streamError(this.session, { id: stream.id, code, anyByte, overdue }));
  }

  // ── waits and ends ───────────────────────────────────────────────────────────────────────────────────────────

  /** Whether bytes of a request body are still to be sent. Bytes of a tunnel are no body. */
  private get bodyDue(): boolean {
    return !this.requestSent && this.requestFraming !== UNTIL_CLOSE;
  }

  private expect(milliseconds: number): void {
    if (this.reading !== Reading.over) this.session.deadlines.set(this.deadline, milliseconds);
  }

  /** More of the response is due, unless its reader is paused, or the upstream may still wait for the request. */
  private expectBody(): void {
    // The deadline of the request continues: bytes of the response do not show that the upstream takes its body.
    if (this.bodyDue && this.stream !== null && this.stream.unsent > 0) return;
    const waits = this.reading === Reading.tunnel ? !this.requestSent : this.bodyDue;
    this.expect(this.paused || waits ? 0 : this.timeouts.stall);
  }

  /** Schedules one flush for all bytes of this turn of the event loop. */
  private scheduleFlush(): void {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    process.nextTick(() => {
      this.flushScheduled = false;
      this.guard(() => this.handler?.onResponseFlush());
    });
  }

  private onDeadline(): void {
    if (this.reading === Reading.awaiting && !this.bodyDue) {
      const milliseconds = this.timeouts.responseHeader;
      return this.fail(new ProxyError('upstream_timeout', `no response head within ${milliseconds} ms`));
    }
    this.fail(new ProxyError('upstream_stalled', `no byte moved for ${this.timeouts.stall} ms`));
  }

  /** Reports a failure in the next tick, as `send` must not call the handler itself. */
  private failLater(error: ProxyError): void {
    process.nextTick(() => this.guard(() => this.fail(error)));
  }

  private fail(error: ProxyError): void {
    const { handler } = this;
    this.handler = null;
    this.reading = Reading.over;
    this.reset();
    handler?.onUpstreamError(error);
  }

  private reset(): void {
    const { stream } = this;
    this.session.deadlines.remove(this.deadline);
    if (stream === null) this.release();
    else stream.cancel();
  }

  /** Gives the stream's place back to the session. */
  private release(): void {
    if (this.released) return;
    this.released = true;
    this.session.deadlines.remove(this.deadline);
    this.session.released(this);
  }

  /** Runs an event. An error that it throws ends this exchange alone. */
  private guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.fail(ProxyError.from(error));
    }
  }
}
