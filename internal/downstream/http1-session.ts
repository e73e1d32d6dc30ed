import { ProxyError } from '../base/index.ts';
import { FlushResult } from '../exchange/index.ts';
import { BodyDecoder, MORE, NO_BODY, RequestHeadReader, UNTIL_CLOSE } from '../http1/index.ts';
import { AccessRecord } from '../logger/index.ts';
import { type Connection, type ConnectionHandler, WriteState } from '../transport/index.ts';
import { checkExpectation, describeRequest } from './describe-request.ts';
import { ExchangeBounds } from './exchange-bounds.ts';
import { type ExchangeSession, Http1Exchange } from './http1-exchange.ts';
import type { DrainableSession, SessionHost, SessionSlot } from './session-host.ts';
import { SessionSpeed } from './session-speed.ts';

/**
 * Reading:
 *
 *     idle ─first byte─> head ─complete─> body ─complete─> waiting ─response over─> idle
 *       ↑                                   │ response over before the body           │
 *       └────────── discard <───────────────┘                                         │
 *                      └──────────── linger <──── the connection is to be closed ─────┘
 *
 * A tunnel is a body that ends with the connection.
 */
const Reading = { idle: 0, head: 1, body: 2, waiting: 3, discard: 4, linger: 5, closed: 6 } as const;
type Reading = (typeof Reading)[keyof typeof Reading];

/** So much of an unwanted body is read over to keep the connection; of more, closing is cheaper. */
const MAX_DISCARD_BYTES = 65_536;

/**
 * How long a connection that we have ended is read on, so that the client gets our last answer before a reset that
 * its own unread bytes would cause (RFC 9112 §9.6).
 */
const LINGER_MS = 2000;

/** The HTTP/1.1 life of a client connection: one exchange after another. */
export class Http1Session implements ConnectionHandler, DrainableSession, ExchangeSession {
  readonly connection: Connection;
  readonly secure: boolean;
  private readonly slot: SessionSlot;
  private service: SessionHost;
  private reader: RequestHeadReader;
  private readonly body = new BodyDecoder('bad_chunk', 'bad_trailer');
  private reading: Reading = Reading.idle;
  private exchange: Http1Exchange | null = null;
  private address: string | null = null;
  /** Bytes that came while nobody could take them: pipelined requests, or a body that nobody wants yet. */
  private unread: Buffer | null = null;
  private bodyPaused = false;
  private consuming = false;
  private peerEnded = false;
  private headBytes = 0;
  private discarded = 0;
  private bodyBytes = 0;
  private readonly speed = new SessionSpeed(() => this.connection.guard(() => this.consumeUnread()));
  private bounds: ExchangeBounds | null;
  private tunnelHalfClosed = false;
  private record: AccessRecord | null = null;

  constructor(connection: Connection, slot: SessionSlot, secure: boolean) {
    this.connection = connection;
    this.slot = slot;
    this.secure = secure;
    this.service = slot.current;
    this.reader = new RequestHeadReader(this.service.headLimits);
    this.bounds = this.makeBounds();
    slot.sessions.add(this);
    // A client that connects and says nothing is no better than one that is slow.
    connection.expect(this.service.limits.headerTimeout);
  }

  get clientAddress(): string {
    return (this.address ??= this.connection.remoteAddress);
  }

  /** True when the request was read to its end. */
  get requestComplete(): boolean {
    return this.reading === Reading.waiting;
  }

  // ── ConnectionHandler ────────────────────────────────────────────────────────────────────────────────────────

  onData(buffer: Buffer, start: number, end: number): void {
    if (this.unread !== null) this.keepUnread(buffer, start, end);
    else this.consume(buffer, start, end);
  }

  onEnd(): void {
    this.peerEnded = true;
    switch (this.reading) {
      case Reading.body:
        if (!this.body.close()) {
          return this.abortExchange(new ProxyError('client_closed', 'the client closed the connection inside a request'));
        }
        this.reading = Reading.waiting;
        this.exchange?.handler?.onRequestEnd(null);
        return;
      case Reading.waiting:
        // A client may end its side and still wait for the answer.
        return;
      default:
        this.reading = Reading.closed;
        this.connection.endAndClose();
    }
  }

  onDrain(): void {
    this.exchange?.onDrain();
  }

  onDeadline(): void {
    const { exchange, reading } = this;
    if (reading === Reading.head) return this.refuse(new ProxyError('head_timeout', 'the head was not complete in time'));
    if (exchange === null) return this.connection.destroy();
    const stalled = new ProxyError('client_stalled', 'the client moved no byte for stall_timeout');
    if (exchange.responded) return this.abortExchange(stalled);
    this.refuse(stalled);
  }

  onClose(error: Error | null): void {
    this.reading = Reading.closed;
    this.unread = null;
    this.slot.sessionEnded(this);
    this.speed.close();
    this.bounds?.clear();
    const { exchange } = this;
    if (exchange === null) return;
    const why = error === null ? '' : `: ${error.message}`;
    if (exchange.tunnel && error === null) exchange.endTunnel();
    else exchange.abort(new ProxyError('client_closed', `the client closed the connection${why}`, { cause: error }));
    this.settle(exchange);
  }

  onBroken(error: unknown): void {
    const cause = ProxyError.from(error);
    if (this.exchange === null) this.service.sessionBroken(this.clientAddress, cause);
    else this.abortExchange(cause);
  }

  // ── DrainableSession ─────────────────────────────────────────────────────────────────────────────────────────

  drain(): void {
    if (this.reading === Reading.idle) {
      this.reading = Reading.closed;
      this.connection.endAndClose();
    }
  }

  kill(error: ProxyError): void {
    this.exchange?.abort(error);
    this.connection.destroy();
  }

  /** read_timeout or write_timeout has passed. */
  private onBound(error: ProxyError): void {
    const { exchange } = this;
    if (exchange === null) return this.reading === Reading.head ? this.refuse(error) : undefined;
    if (exchange.responded || error.status === 0) return this.abortExchange(error);
    this.refuse(error);
  }

  // ── for the exchange ─────────────────────────────────────────────────────────────────────────────────────────

  /** @internal The body is wanted. */
  resumeBody(): void {
    if (!this.bodyPaused) return;
    this.bodyPaused = false;
    if (this.reading === Reading.body && !this.exchange?.tunnel) this.connection.expect(this.service.limits.stallTimeout);
    this.consumeUnread();
  }

  /** @internal No more of the body is wanted for now. */
  pauseBody(): void {
    if (this.bodyPaused || this.reading !== Reading.body) return;
    this.bodyPaused = true;
    this.connection.expect(0);
    this.connection.pause();
  }

  /** @internal Whether the response that begins now has to be the last one. */
  mustCloseAfterResponse(): boolean {
    if (this.slot.draining || this.peerEnded) return true;
    if (this.reading !== Reading.body || !this.bodyPaused) return false;
    // The body has not been asked for. One that is small is read over; a client that waits for 100 may never send it.
    const exchange = this.exchange as Http1Exchange;
    return exchange.expectsContinue || exchange.requestFraming < 0 || exchange.requestFraming > MAX_DISCARD_BYTES;
  }

  /** @internal Sends what was written. */
  flush(): FlushResult {
    const state = this.connection.flush();
    if (state !== WriteState.taken && !this.exchange?.tunnel) {
      this.connection.expectDrain(this.service.limits.stallTimeout);
    }
    return state;
  }

  /** @internal From here on, the client's bytes are passed on as they are. */
  startTunnel(): void {
    this.bounds?.clear();
    this.body.start(UNTIL_CLOSE);
    this.reading = Reading.body;
    this.bodyPaused = false;
    this.connection.expect(0);
    if (this.peerEnded) this.onEnd();
    else this.consumeUnread();
  }

  /** @internal The other side of the tunnel has sent its last byte. */
  endTunnelOutput(): void {
    if (this.peerEnded) return this.connection.endAndClose();
    this.connection.end();
    // A tunnel that is open to one side only is no longer worth any wait.
    this.tunnelHalfClosed = true;
    this.connection.expect(this.service.limits.stallTimeout);
  }

  /** @internal The exchange cannot be completed: nothing more is sent, and the client must notice. */
  cut(exchange: Http1Exchange): void {
    this.settle(exchange);
    this.reading = Reading.closed;
    // A response that is not complete must not look so: where the close would be its end, a reset is not (§8).
    if (exchange.responded) this.connection.reset();
    else this.connection.destroy();
  }

  /** @internal The response is complete. */
  exchangeOver(exchange: Http1Exchange): void {
    this.settle(exchange);
    this.bounds?.clear();
    if (this.reading === Reading.closed) return;
    if (!exchange.persistent || this.slot.draining) return this.close();
    if (this.reading === Reading.waiting) return this.nextRequest();
    this.reading = Reading.discard;
    this.discarded = 0;
    this.bodyPaused = false;
    this.connection.expect(this.service.limits.stallTimeout);
    this.consumeUnread();
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────

  private consume(buffer: Buffer, start: number, end: number): void {
    let at = start;
    this.consuming = true;
    try {
      while (at < end) {
        const next = this.step(buffer, at, end);
        if (next === at && this.mustWait) break;
        at = next;
      }
    } catch (error) {
      at = end;
      this.refuse(ProxyError.from(error));
    }
    this.consuming = false;
    if (at < end) this.keepUnread(buffer, at, end);
    if (this.reading === Reading.body && !this.bodyPaused) this.exchange?.handler?.onRequestFlush();
  }

  /** Whether bytes that come now have to be kept for later. */
  private get mustWait(): boolean {
    if (this.reading === Reading.body) return this.bodyPaused || this.speed.uploadWaits;
    return this.reading === Reading.waiting;
  }

  /** Takes some bytes as the state of reading has it, and returns the position behind them. */
  private step(buffer: Buffer, at: number, end: number): number {
    switch (this.reading) {
      case Reading.idle:
        if (this.service !== this.slot.current) this.adopt(this.slot.current);
        this.reading = Reading.head;
        this.bounds?.startRequest();
        return this.readHead(buffer, at, end, true);
      case Reading.head:
        return this.readHead(buffer, at, end, false);
      case Reading.body:
        if (this.bodyPaused) return at;
        return this.readBody(buffer, at, this.speed.limitsUpload ? at + this.speed.takeUpload(end - at) : end);
      case Reading.discard:
        return this.readDiscarded(buffer, at, end);
      case Reading.waiting:
        return at;
      default:
        return end;
    }
  }

  /** A reload has brought another generation: the request that begins now is its first one here. */
  private adopt(service: SessionHost): void {
    this.service = service;
    this.reader = new RequestHeadReader(service.headLimits);
    this.bounds = this.makeBounds();
  }

  private makeBounds(): ExchangeBounds | null {
    return ExchangeBounds.of(this.service.limits, this.slot.deadlines, (error) => this.onBound(error));
  }

  private readHead(buffer: Buffer, at: number, end: number, first: boolean): number {
    const next = this.reader.feed(buffer, at, end);
    if (next === MORE) {
      this.headBytes += end - at;
      if (first) this.connection.expect(this.service.limits.headerTimeout);
      return end;
    }
    this.headBytes += next - at;
    this.begin();
    return next;
  }

  private readBody(buffer: Buffer, at: number, end: number): number {
    if (at === end) return at;
    const exchange = this.exchange as Http1Exchange;
    const next = this.body.feed(buffer, at, end, this);
    exchange.bytesIn += next - at;
    if (this.body.done) {
      this.reading = Reading.waiting;
      this.connection.expect(0);
      this.bounds?.endRequest();
      exchange.handler?.onRequestEnd(this.body.trailers);
    } else if (!this.bodyPaused && (!exchange.tunnel || this.tunnelHalfClosed)) {
      this.connection.expect(this.service.limits.stallTimeout);
    }
    return next;
  }

  /** @internal BodySink */
  onBody(buffer: Buffer, start: number, end: number): void {
    if (this.reading !== Reading.body) return;
    const { maxBodyBytes } = this.service.limits;
    const exchange = this.exchange as Http1Exchange;
    this.bodyBytes += end - start;
    if (maxBodyBytes > 0 && this.bodyBytes > maxBodyBytes && !exchange.tunnel) {
      throw new ProxyError('body_too_large', `the body is larger than ${maxBodyBytes} bytes`);
    }
    exchange.handler?.onRequestBody(buffer, start, end);
  }

  private readDiscarded(buffer: Buffer, at: number, end: number): number {
    const next = this.body.feed(buffer, at, end, this);
    this.discarded += next - at;
    if (this.body.done) this.nextRequest();
    else if (this.discarded > MAX_DISCARD_BYTES) this.close();
    return next;
  }

  /** A head is complete: makes the exchange and gives it to its route. */
  private begin(): void {
    const { reader, service } = this;
    const exchange = this.newExchange();
    this.reading = Reading.waiting;
    this.connection.expect(0);
    exchange.bytesIn = this.headBytes;
    this.headBytes = 0;
    this.bodyBytes = 0;
    describeRequest(reader, exchange);
    if (exchange.requestFraming !== NO_BODY) this.expectBody(exchange);
    else this.bounds?.endRequest();
    this.bounds?.startResponse();
    checkExpectation(exchange);
    const route = service.route(exchange.host, exchange.path, exchange.method);
    if (route === null) throw new ProxyError('no_route', `no route for ${exchange.host}${exchange.path}`);
    exchange.route = route;
    this.dispatch(exchange);
  }

  private expectBody(exchange: Http1Exchange): void {
    this.body.start(exchange.requestFraming);
    this.reading = Reading.body;
    this.bodyPaused = true;
    const { maxBodyBytes } = this.service.limits;
    if (maxBodyBytes > 0 && exchange.requestFraming > maxBodyBytes) {
      throw new ProxyError('body_too_large', `the body is larger than ${maxBodyBytes} bytes`);
    }
  }

  private dispatch(exchange: Http1Exchange): void {
    const { action, filters, speed } = exchange.route;
    const download = this.speed.use(speed);
    if (download !== null) exchange.limit(download);
    if (filters !== null) {
      if (filters.onLog !== null) this.startRecord(exchange);
      if (filters.onRequest !== null) {
        for (const filter of filters.onRequest) if (filter.onRequest(exchange)) return;
      }
    }
    if (exchange.method === 'CONNECT' && action.takesConnect !== true) {
      throw new ProxyError('method_not_allowed', 'CONNECT to a route that is no tunnel');
    }
    action.handle(exchange);
  }

  /** One record serves all exchanges of the connection, one after another. */
  private startRecord(exchange: Http1Exchange): void {
    this.record ??= new AccessRecord();
    exchange.started = performance.now();
    this.record.reset(performance.timeOrigin + exchange.started);
    exchange.record = this.record;
  }

  // ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Answers what went wrong, and reads nothing that comes behind a request that could not be understood. */
  private refuse(error: ProxyError): void {
    let { exchange } = this;
    if (exchange === null) {
      exchange = this.newExchange();
      exchange.method = this.reader.method;
      exchange.bytesIn = this.headBytes;
      this.reading = Reading.linger;
    }
    const inRequest = this.reading !== Reading.waiting && !(this.reading === Reading.body && this.bodyPaused);
    if (inRequest || MALFORMED.has(error.status)) {
      exchange.persistent = false;
      this.reading = Reading.linger;
    }
    const { handler } = exchange;
    exchange.handler = null;
    handler?.onAbort(error);
    exchange.fail(error);
  }

  /** Ends the exchange and the connection; `onClose` writes it down. */
  private abortExchange(error: ProxyError): void {
    this.reading = Reading.closed;
    this.exchange?.abort(error);
    if (this.exchange?.responded) this.connection.reset();
    else this.connection.destroy();
  }

  /** The connection is to be closed behind what was sent. */
  private close(): void {
    const everythingRead = this.reading === Reading.waiting && this.unread === null;
    this.unread = null;
    if (everythingRead || this.peerEnded) {
      this.reading = Reading.closed;
      return this.connection.endAndClose();
    }
    this.reading = Reading.linger;
    this.connection.end();
    this.connection.expect(LINGER_MS);
    this.connection.resume();
  }

  private nextRequest(): void {
    this.reader.reset();
    this.reading = Reading.idle;
    if (this.slot.draining || (this.peerEnded && this.unread === null)) {
      this.reading = Reading.closed;
      return this.connection.endAndClose();
    }
    this.connection.expect(this.service.limits.idleTimeout);
    this.consumeUnread();
  }

  private keepUnread(buffer: Buffer, start: number, end: number): void {
    const rest = buffer.subarray(start, end);
    this.unread = this.unread === null ? rest : Buffer.concat([this.unread, rest]);
    this.connection.pause();
  }

  /** Goes on with what was kept. Inside of `consume` nothing is to be done: its loop goes on by itself. */
  private consumeUnread(): void {
    if (this.consuming) return;
    const { unread } = this;
    if (unread !== null) {
      this.unread = null;
      this.consume(unread, 0, unread.length);
    }
    if (this.unread === null && !this.mustWait) this.connection.resume();
  }

  private newExchange(): Http1Exchange {
    const exchange = new Http1Exchange(this, this.service, this.reader.fields);
    this.exchange = exchange;
    this.service.exchangeBegan();
    return exchange;
  }

  /** The exchange is over, however it ended: writes it down. */
  private settle(exchange: Http1Exchange): void {
    this.exchange = null;
    this.logOutcome(exchange);
    exchange.service.exchangeEnded();
  }

  private logOutcome(exchange: Http1Exchange): void {
    const filters = exchange.route.filters;
    if (filters === null || filters.onLog === null) return;
    if (exchange.record === null) this.startRecord(exchange);
    for (const filter of filters.onLog) filter.onLog(exchange, exchange);
  }
}

/** Statuses that mean: the request could not be understood, so that where the next one begins is not known. */
const MALFORMED: ReadonlySet<number> = new Set([400, 408, 413, 414, 431, 501, 505]);
