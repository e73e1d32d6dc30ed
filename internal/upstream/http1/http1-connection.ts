import { ProxyError } from '../../base/index.ts';
import { BodyDecoder, type HeadLimits, MORE, ResponseHeadReader } from '../../http1/index.ts';
import {
  CHUNKED,
  ConnectionOption,
  FieldId,
  type Fields,
  type Framing,
  NO_BODY,
  persists,
  responseFraming,
  takeConnectionOptions,
  TRAILER_DROP,
  UNTIL_CLOSE,
} from '../../message/index.ts';
import { type Connection, type ConnectionHandler, WriteState } from '../../transport/index.ts';
import type { ResponseHandler } from '../response-handler.ts';
import type { UpstreamLink, UpstreamRequest, UpstreamTimeouts } from '../upstream-link.ts';

/** The owner of a connection, which decides what happens after an exchange. */
export interface ConnectionOwner {
  /** The connection may be used again. */
  onIdle(connection: Http1Connection): void;
  /** The upstream has closed a reused connection without an answer to the request on it. */
  onLost(connection: Http1Connection): void;
  /** The connection is gone. */
  onGone(connection: Http1Connection): void;
}

/**
 *            send              head complete            body complete, request sent
 *     idle ────────> awaiting ───────────────> body ─────────────────────────────────> idle, or closed
 *                       │  ↑ interim heads       │ 101
 *                       └──┘                     └──────> tunnel ──────> closed
 */
const Reading = { idle: 0, awaiting: 1, body: 2, tunnel: 3, closed: 4 } as const;
type Reading = (typeof Reading)[keyof typeof Reading];

/** One connection to an upstream that speaks HTTP/1.1: one exchange after another. */
export class Http1Connection implements ConnectionHandler, UpstreamLink {
  readonly mayRefuse = false;
  /** Exchanges begun on this connection. */
  uses = 0;
  /** When it last became idle, and when it was taken after that: milliseconds on the coarse clock, set by its pool. */
  idleSince = 0;
  takenAt = 0;
  /** The connection is closed when it becomes idle after this time, on the same clock. */
  readonly retiresAt: number;
  /** The request had `Connection: close`: none may follow it, even if the upstream keeps the connection (RFC 9112 §9.6). */
  private last = false;
  private readonly connection: Connection;
  private readonly owner: ConnectionOwner;
  private readonly head: ResponseHeadReader;
  private readonly body = new BodyDecoder('bad_response', 'bad_response');
  private timeouts: UpstreamTimeouts = { responseHeader: 0, stall: 0 };
  private reading: Reading = Reading.idle;
  private handler: ResponseHandler | null = null;
  private method = '';
  /** The protocols that the request asks to switch to, or null. */
  private upgrade: string | null = null;
  private requestFraming: Framing = NO_BODY;
  private requestSent = true;
  private anyByte = false;
  /** The current read has brought an interim response. */
  private interim = false;
  private persistent = true;
  private paused = false;
  private ended = false;
  /** The upstream has closed or broken the connection. */
  closedByPeer = false;

  constructor(connection: Connection, owner: ConnectionOwner, limits: HeadLimits, retiresAt: number) {
    this.connection = connection;
    this.retiresAt = retiresAt;
    this.owner = owner;
    this.head = new ResponseHeadReader(limits);
    connection.handler = this;
  }

  /** False once the connection cannot take an exchange any more. */
  get usable(): boolean {
    return this.reading === Reading.idle && !this.ended && !this.connection.closed && !this.connection.failed;
  }

  /** The address of the upstream; empty if the peer has no name. */
  get dialed(): string {
    return this.connection.dialed;
  }

  /** Milliseconds that the idle connection is kept. */
  waitIdle(milliseconds: number): void {
    this.connection.expect(milliseconds);
  }

  /** Begins an exchange. */
  send(request: UpstreamRequest, timeouts: UpstreamTimeouts, handler: ResponseHandler): void {
    if (this.reading !== Reading.idle) throw new Error('an exchange is under way on this connection');
    const head = request.raw ? '' : request.http1Head();
    const { framing } = request;
    this.last = request.last;
    this.uses++;
    this.reading = Reading.awaiting;
    this.handler = handler;
    this.method = request.method;
    this.upgrade = request.upgrade;
    this.timeouts = timeouts;
    this.requestFraming = framing;
    this.requestSent = framing === NO_BODY;
    this.anyByte = false;
    this.interim = false;
    if (request.raw) return this.beginTunnel();
    this.connection.text(head);
    // While a body is sent, the client's session limits the time to receive it, and `flush` the time to send it.
    this.connection.expect(this.bodyDue ? 0 : timeouts.responseHeader);
  }

  private beginTunnel(): void {
    this.reading = Reading.tunnel;
    this.persistent = false;
    // RFC 9110 §7.8: the timeouts of HTTP do not apply to the new protocol.
    this.connection.expect(0);
  }

  /** Whether bytes of a request body are still to be sent. Bytes of a tunnel are no body. */
  private get bodyDue(): boolean {
    return !this.requestSent && this.requestFraming !== UNTIL_CLOSE;
  }

  /** Gives bytes of the request body, borrowed until `flush` has returned `taken`. */
  write(buffer: Buffer, start: number, end: number): void {
    if (this.requestFraming !== CHUNKED) return this.connection.bytes(buffer, start, end);
    this.connection.text(`${(end - start).toString(16)}\r\n`);
    this.connection.bytes(buffer, start, end);
    this.connection.text('\r\n');
  }

  /** Sends the given bytes. */
  flush(): WriteState {
    const state = this.connection.flush();
    if (state !== WriteState.taken && this.bodyDue) this.connection.expectDrain(this.timeouts.stall);
    return state;
  }

  /** The request body is complete. Flushes. In a tunnel: nothing more will be sent, but bytes may still come. */
  endRequest(trailers: Fields | null): void {
    if (this.requestSent) return;
    this.requestSent = true;
    if (this.reading === Reading.tunnel) {
      this.connection.expect(this.timeouts.stall);
      return this.connection.end();
    }
    if (this.requestFraming === CHUNKED) {
      this.connection.text(`0\r\n${trailers === null ? '' : trailers.lines(TRAILER_DROP)}\r\n`);
    }
    this.connection.flush();
    if (this.reading === Reading.awaiting) this.connection.expect(this.timeouts.responseHeader);
    else this.expectBody();
  }

  /**
   * Stops reading the response: the client cannot take it. Now the client's deadline applies. The one for the head continues,
   * because interim responses to a slow client could otherwise hold the exchange for ever.
   */
  pause(): void {
    this.paused = true;
    this.connection.pause();
    if (this.reading !== Reading.awaiting) this.connection.expect(0);
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (this.reading !== Reading.tunnel && this.reading !== Reading.awaiting) this.expectBody();
    this.connection.resume();
  }

  /** Gives the exchange and the connection up. The handler gets no more calls. */
  abort(): void {
    const { reading } = this;
    this.handler = null;
    this.reading = Reading.closed;
    if (reading !== Reading.tunnel) return this.connection.destroy();
    // If both sides have ended, the last bytes arrive in order. Otherwise a reset shows that they are not complete.
    if (this.ended && this.requestSent) this.connection.endAndClose();
    else this.connection.reset();
  }

  /** @internal */
  onData(buffer: Buffer, start: number, end: number): void {
    const handler = this.handler;
    if (handler === null || this.reading === Reading.idle) {
      // RFC 9112 §9.2: bytes without a request could be mistaken for an answer to the next one.
      this.reading = Reading.closed;
      return this.connection.destroy();
    }
    this.anyByte = true;
    try {
      if (!this.read(buffer, start, end, handler)) this.connection.keepReadBuffer();
    } catch (error) {
      this.fail(ProxyError.from(error));
    }
  }

  /** @internal */
  onEnd(): void {
    this.ended = this.closedByPeer = true;
    if (this.reading === Reading.body && this.body.close()) {
      this.complete(this.handler as ResponseHandler);
      return;
    }
    if (this.reading === Reading.tunnel) {
      this.handler?.onResponseEnd(null);
      return;
    }
    if (this.handler !== null) return this.fail(this.closedError(null));
    this.connection.destroy();
  }

  /** @internal */
  onDrain(): void {
    this.handler?.onUpstreamDrain();
  }

  /** @internal */
  onDeadline(): void {
    if (this.handler === null) return this.connection.destroy();
    if (this.reading === Reading.awaiting && !this.bodyDue) {
      const milliseconds = this.timeouts.responseHeader;
      return this.fail(new ProxyError('upstream_timeout', `no response head within ${milliseconds} ms`));
    }
    this.fail(new ProxyError('upstream_stalled', `no byte moved for ${this.timeouts.stall} ms`));
  }

  /** @internal */
  onBroken(error: unknown): void {
    this.fail(ProxyError.from(error));
  }

  /** @internal */
  onClose(error: Error | null): void {
    // A tunnel whose upstream has ended its side ends with the connection, without an error.
    const tunnelOver = this.reading === Reading.tunnel && this.ended && error === null;
    if (this.handler !== null && !tunnelOver) this.fail(this.closedError(error));
    this.handler = null;
    this.reading = Reading.closed;
    if (error !== null) this.closedByPeer = true;
    this.owner.onGone(this);
  }

  /** @returns whether the memory of the bytes is free again. */
  private read(buffer: Buffer, start: number, end: number, handler: ResponseHandler): boolean {
    let at = start;
    while (at < end && this.reading === Reading.awaiting) {
      at = this.head.feed(buffer, at, end);
      if (at === MORE) break;
      this.headComplete(handler);
    }
    if (this.reading === Reading.awaiting) {
      // Heads are copied. Interim ones may come faster than the client takes them, so it must be able to pause the read.
      // Their number needs no other bound: neither memory nor time grows with it, and a long request may send many.
      if (this.interim) handler.onResponseFlush();
      this.interim = false;
      return true;
    }
    if (this.reading === Reading.tunnel) {
      if (at < end) handler.onResponseBody(buffer, at, end);
      // Once the client has ended its side, silence is bounded by the stall timeout.
      if (this.requestSent && !this.paused) this.connection.expect(this.timeouts.stall);
    } else if (this.reading === Reading.body) {
      if (!this.body.done) at = this.body.feed(buffer, at, end, this);
      // The handler has given the exchange up inside the body: the connection is gone, and its bytes are dropped.
      if (this.handler === null) return true;
      if (this.body.done) {
        // RFC 9112 §9.2: bytes behind the response belong to no request.
        if (at < end) this.persistent = false;
        return this.complete(handler);
      }
      this.expectBody();
    }
    // The handler may have given the exchange up in the meantime.
    return this.handler === null || handler.onResponseFlush();
  }

  /** @internal BodySink */
  onBody(buffer: Buffer, start: number, end: number): void {
    this.handler?.onResponseBody(buffer, start, end);
  }

  /** More of the response is due, unless its reader is paused, or the upstream may still wait for the request. */
  private expectBody(): void {
    this.connection.expect(this.paused || this.bodyDue ? 0 : this.timeouts.stall);
  }

  private headComplete(handler: ResponseHandler): void {
    const { head } = this;
    const { status, fields } = head;
    if (status < 200 && status !== 101) {
      takeConnectionOptions(fields);
      this.interim = true;
      handler.onInterim(status, head.reason, fields);
      head.reset();
      return;
    }
    const options = takeConnectionOptions(fields);
    if (this.isTunnel(status, options)) {
      this.beginTunnel();
      return handler.onTunnel(status, head.reason, fields);
    }
    if (this.requestFraming === UNTIL_CLOSE) this.requestSent = true;
    const framing = responseFraming(fields, head.minorVersion, status, this.method);
    this.persistent = framing !== UNTIL_CLOSE && persists(options, head.minorVersion);
    this.reading = Reading.body;
    this.body.start(framing);
    this.expectBody();
    handler.onResponse(status, head.reason, fields, framing);
  }

  private isTunnel(status: number, options: number): boolean {
    const connect = this.method === 'CONNECT';
    if (status !== 101) return connect && status < 300;
    const named = (options & ConnectionOption.upgrade) !== 0;
    const asked = named && !connect && this.requestFraming === UNTIL_CLOSE ? this.upgrade : null;
    const answered = this.head.fields.list(FieldId.upgrade);
    if (asked !== null && answered !== null && wasAskedFor(answered, asked)) return true;
    const to = answered === null ? 'without Upgrade' : `to ${answered.slice(0, 100)}`;
    throw new ProxyError('bad_response', `101 ${to}, which was not asked for`);
  }

  private complete(handler: ResponseHandler): boolean {
    const trailers = this.body.trailers;
    this.handler = null;
    if (this.last || !this.persistent || !this.requestSent || this.ended || this.connection.hasPending) {
      this.reading = Reading.closed;
      const free = handler.onResponseEnd(trailers);
      this.connection.destroy();
      return free;
    }
    this.reading = Reading.idle;
    if (this.paused) this.resume();
    this.head.reset();
    // Called first, so that a request that waited for the end of this response takes this connection.
    this.owner.onIdle(this);
    return handler.onResponseEnd(trailers);
  }

  private fail(error: ProxyError): void {
    const { handler } = this;
    this.handler = null;
    this.reading = Reading.closed;
    this.connection.destroy();
    handler?.onUpstreamError(error);
  }

  private closedError(cause: Error | null): ProxyError {
    const when = this.anyByte ? 'before its response was complete' : 'without an answer';
    const why = cause === null ? '' : `: ${cause.message}`;
    // RFC 9110 §9.2.2 and RFC 9112 §9.3.1: a reused connection may have been closed while the request was on its way.
    const retryable = this.uses > 1 && !this.anyByte;
    if (retryable) this.owner.onLost(this);
    return new ProxyError('upstream_closed', `the upstream closed the connection ${when}${why}`, { cause, retryable });
  }
}

/** Whether every protocol of an answer's Upgrade is one of the request's: a server switches to no other (RFC 9110 §7.8). */
function wasAskedFor(answered: string, asked: string): boolean {
  const protocols = asked
    .toLowerCase()
    .split(',')
    .map((protocol) => protocol.trim());
  const chosen = answered
    .toLowerCase()
    .split(',')
    .map((protocol) => protocol.trim());
  return chosen.every((protocol) => protocol !== '' && protocols.includes(protocol));
}
