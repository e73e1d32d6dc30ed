import { ProxyError } from '../../base/index.ts';
import type { FlushResult } from '../../exchange/index.ts';
import { MORE } from '../../http1/index.ts';
import { NO_BODY } from '../../message/index.ts';
import type { Connection, ConnectionHandler } from '../../transport/index.ts';
import { ConnectionClient } from '../connection-client.ts';
import { endsConnection } from '../error-response.ts';
import type { BoundsOwner } from '../exchange-bounds.ts';
import { idleTime } from '../idle-time.ts';
import { Lingering } from '../lingering.ts';
import { routeExchange } from '../route-exchange.ts';
import type { DrainableSession, SessionHost, SessionSlot } from '../session-host.ts';
import { SessionRecords } from '../session-records.ts';
import { SessionSpeed } from '../session-speed.ts';
import { ClientInput, type InputReader } from './client-input.ts';
import { ClientOutput } from './client-output.ts';
import { checkExpectation, describeRequest } from './describe-request.ts';
import { HalfClosedClient } from './half-closed-client.ts';
import { HeadIntake } from './head-intake.ts';
import { type ExchangeSession, Http1Exchange } from './http1-exchange.ts';
import { Reading } from './reading-state.ts';
import { RequestBody } from './request-body.ts';

/** The HTTP/1.1 life of a client connection: one exchange after another. */
export class Http1Session
  extends ConnectionClient
  implements BoundsOwner, ConnectionHandler, DrainableSession, ExchangeSession, InputReader
{
  place = -1;
  private readonly slot: SessionSlot;
  /** The generation that the exchange under way began with. */
  private service: SessionHost;
  private readonly heads: HeadIntake;
  private readonly input: ClientInput;
  private readonly output: ClientOutput;
  private readonly body = new RequestBody();
  private readonly lingering: Lingering;
  private reading: Reading = Reading.idle;
  private exchange: Http1Exchange | null = null;
  private readonly speed = new SessionSpeed(() => this.connection.guard(() => this.input.goOn()));
  private readonly halfClosed = new HalfClosedClient();
  private readonly records = new SessionRecords();

  constructor(connection: Connection, slot: SessionSlot, secure: boolean) {
    super(connection, secure);
    this.slot = slot;
    this.input = new ClientInput(connection, this);
    this.output = new ClientOutput(connection);
    this.lingering = new Lingering(connection);
    this.service = slot.current;
    this.heads = new HeadIntake(slot, connection, this);
    slot.sessions.add(this);
    // A client that connects and says nothing is no better than one that is slow.
    connection.expect(this.service.limits.headerTimeout);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.input.take(buffer, start, end);
  }

  onEnd(): void {
    this.input.end();
  }

  onDrain(): void {
    this.output.full = false;
    if (this.exchange === null) this.input.goOn();
    else this.exchange.onDrain();
  }

  onDeadline(): void {
    const { connection, exchange, reading } = this;
    if (reading === Reading.head && !this.betweenRequests) {
      return this.refuse(new ProxyError('head_timeout', 'the head came too slowly'), false);
    }
    if (reading === Reading.linger) return this.lingering.onDeadline();
    // What is still on its way to the client is `onStalled`'s matter.
    if (connection.hasPending && (exchange === null || this.output.tunnelEnded)) {
      connection.expectDrain(this.service.limits.stallTimeout);
      return connection.expect(this.service.limits.stallTimeout);
    }
    if (exchange === null) return this.slot.draining ? this.endNow() : connection.destroy();
    if (reading === Reading.waiting && this.halfClosed.moved(exchange))
      return this.halfClosed.wait(connection, exchange);
    this.giveUp(exchange, new ProxyError('client_stalled', 'the client moved no byte for stall_timeout'));
  }

  onStalled(): void {
    if (this.reading === Reading.linger) return this.lingering.onDeadline();
    // What was answered has not left whole.
    if (this.exchange === null) return this.connection.cut(false);
    this.giveUp(this.exchange, new ProxyError('client_stalled', 'the client took no byte for stall_timeout'));
  }

  onClose(error: Error | null): void {
    this.reading = Reading.closed;
    this.input.drop();
    this.slot.sessionEnded(this);
    this.speed.close();
    this.heads.bounds?.clear();
    const { exchange } = this;
    if (exchange === null) return;
    if (exchange.tunnel && error === null) exchange.endTunnel();
    else exchange.abort(new ProxyError('client_closed', 'the client closed the connection', { cause: error }));
    this.settle(exchange);
  }

  onBroken(error: unknown): void {
    if (this.exchange !== null) this.abortExchange(ProxyError.from(error));
    else this.service.sessionBroken(this.clientAddress, ProxyError.from(error));
  }

  drain(): void {
    if (this.betweenRequests) this.connection.expect(idleTime(this.slot));
  }

  /** Whether no request has begun; the empty line that may stand before one (RFC 9112 §2.2) is none. */
  private get betweenRequests(): boolean {
    return this.reading === Reading.idle || (this.reading === Reading.head && this.heads.nothingYet);
  }

  kill(error: ProxyError): void {
    this.exchange?.abort(error);
    this.connection.cut(this.exchange !== null);
  }

  /** @internal Bytes of the request under way. */
  get bytesIn(): number {
    return this.exchange?.bytesIn ?? 0;
  }

  /** @internal read_timeout or write_timeout has passed, or the body comes more slowly than min_rate. */
  onBound(error: ProxyError): void {
    if (this.exchange !== null) this.giveUp(this.exchange, error);
    else if (this.reading === Reading.head) this.refuse(error, false);
  }

  /** The client was waited for in vain. */
  private giveUp(exchange: Http1Exchange, error: ProxyError): void {
    if (exchange.responded || error.status === 0) this.abortExchange(error);
    else this.refuse(error, false);
  }

  /** @internal The body is wanted. */
  resumeBody(): void {
    if (!this.body.paused) return;
    this.body.paused = false;
    const { exchange, reading } = this;
    if (reading === Reading.body && exchange?.tunnel === false) {
      this.connection.expect(exchange.patience);
      if (!exchange.patient) this.heads.bounds?.awaitBody();
    }
    this.input.goOn();
  }

  /** @internal No more of the body is wanted for now. */
  pauseBody(): void {
    if (this.body.paused || this.reading !== Reading.body) return;
    this.body.paused = true;
    this.connection.expect(0);
    this.heads.bounds?.holdBody();
    this.connection.pause();
  }

  /** @internal Whether the response that begins now has to be the last one. */
  mustCloseAfterResponse(status: number): boolean {
    if (this.slot.draining || this.input.nothingBehind) return true;
    if (this.reading !== Reading.body) return false;
    return this.body.mustCloseAfter(status, (this.exchange as Http1Exchange).expectsContinue);
  }

  /** @internal Sends what was written. */
  flush(): FlushResult {
    return this.output.flush(this.exchange);
  }

  /** @internal From here on, the client's bytes are passed on as they are. */
  startTunnel(): void {
    this.heads.bounds?.clear();
    this.connection.expectDrain(0);
    this.body.startTunnel(this.exchange as Http1Exchange);
    this.reading = Reading.body;
    this.connection.expect(0);
    this.input.goOn();
  }

  /** @internal The other side of the tunnel has sent its last byte. */
  endTunnelOutput(): void {
    this.output.endTunnel(this.input.nothingBehind, this.service.limits.stallTimeout);
  }

  /** @internal The exchange cannot be completed: nothing more is sent, and the client must notice. */
  cut(exchange: Http1Exchange): void {
    this.settle(exchange);
    this.reading = Reading.closed;
    // Where a close would be the end of the response, a reset is not (RFC 9112 §8).
    this.connection.reset();
  }

  /** @internal The response is complete. */
  exchangeOver(exchange: Http1Exchange): void {
    this.settle(exchange);
    this.heads.bounds?.clear();
    if (this.reading === Reading.closed) return;
    if (!exchange.persistent) return this.close();
    if (this.reading === Reading.waiting) return this.nextRequest();
    this.reading = Reading.discard;
    this.body.discard();
    this.connection.expect(this.service.limits.stallTimeout);
    this.input.goOn();
  }

  /** @internal Whether bytes that come now have to be kept for later. */
  get mustWait(): boolean {
    if (this.reading === Reading.body) return this.body.paused || this.speed.uploadWaits;
    return this.reading === Reading.waiting || (this.reading === Reading.idle && this.output.full);
  }

  /** @internal The end of a patient client would be seen too late behind such bytes: it gets the time of one that has left. */
  inputKept(): void {
    if (this.reading === Reading.waiting) this.halfClosed.wait(this.connection, this.exchange);
    else if (this.reading === Reading.body) this.heads.bounds?.holdBody();
  }

  /** @internal Takes some bytes as the state of reading has it, and returns the position behind them. */
  takeInput(buffer: Buffer, at: number, end: number): number {
    switch (this.reading) {
      case Reading.idle:
        if (this.output.full) return at;
        this.service = this.slot.current;
        this.reading = Reading.head;
        this.heads.begin(this.service);
        return this.readHead(buffer, at, end, true);
      case Reading.head:
        return this.readHead(buffer, at, end, false);
      case Reading.body:
        if (this.body.paused) return at;
        return this.readBody(buffer, at, this.speed.limitsUpload ? at + this.speed.takeUpload(end - at) : end);
      case Reading.discard:
        return this.readDiscarded(buffer, at, end);
      case Reading.waiting:
        return at;
      default:
        return end;
    }
  }

  inputTaken(): void {
    if (this.reading === Reading.body && !this.body.paused) this.exchange?.handler?.onRequestFlush();
  }

  /** @internal The client sends no more, and everything that it has sent was taken. */
  inputOver(): void {
    switch (this.reading) {
      case Reading.body:
        if (!this.body.close()) {
          return this.abortExchange(new ProxyError('client_closed', 'the client left inside of its request'));
        }
        this.reading = Reading.waiting;
        this.exchange?.handler?.onRequestEnd(null);
        return this.halfClosed.wait(this.connection, this.exchange);
      case Reading.waiting: // A client may end its side and still wait for the answer.
        return this.halfClosed.wait(this.connection, this.exchange);
      default:
        this.endNow();
    }
  }

  private readHead(buffer: Buffer, at: number, end: number, first: boolean): number {
    const next = this.heads.feed(buffer, at, end);
    if (next === MORE) {
      if (first) this.connection.expect(this.service.limits.headerTimeout);
      return end;
    }
    this.input.messageEndsAt(next);
    try {
      this.begin();
    } catch (error) {
      this.refuse(error, true);
    }
    return next;
  }

  private readBody(buffer: Buffer, at: number, end: number): number {
    if (at === end) return at;
    const exchange = this.exchange as Http1Exchange;
    const next = this.body.feed(buffer, at, end);
    exchange.bytesIn += next - at;
    if (this.body.done) {
      this.input.messageEndsAt(next);
      this.reading = Reading.waiting;
      this.connection.expect(0);
      this.heads.bounds?.endRequest();
      exchange.handler?.onRequestEnd(this.body.trailers);
    } else if (!this.body.paused && (exchange.tunnel ? this.output.tunnelEnded : !exchange.patient)) {
      this.connection.expect(this.service.limits.stallTimeout);
      // After a wait for a speed limit.
      if (this.reading === Reading.body && !exchange.tunnel) this.heads.bounds?.awaitBody();
    }
    return next;
  }

  private readDiscarded(buffer: Buffer, at: number, end: number): number {
    const next = this.body.feed(buffer, at, end);
    this.input.messageEndsAt(next);
    if (this.body.done) this.nextRequest();
    else if (this.body.tooLong) this.close();
    else this.connection.expect(this.service.limits.stallTimeout);
    return next;
  }

  /** A head is complete: makes the exchange and gives it to its route. @throws ProxyError */
  private begin(): void {
    const exchange = this.newExchange();
    this.reading = Reading.waiting;
    this.connection.expect(0);
    describeRequest(this.heads.reader, exchange);
    if (exchange.requestFraming === NO_BODY) {
      this.heads.bounds?.endRequest();
    } else {
      this.reading = Reading.body;
      this.body.start(exchange, exchange.requestFraming, this.service.limits.maxBodyBytes);
    }
    this.heads.bounds?.startResponse();
    checkExpectation(exchange);
    routeExchange(exchange, this.speed, this.records);
  }

  /**
   * @internal Answers what went wrong, and reads nothing that comes behind a request that could not be understood.
   * @param inOrder whether it is known where the request ends, so that the connection may go on behind it
   */
  refuse(thrown: unknown, inOrder: boolean): void {
    const error = ProxyError.from(thrown);
    let { exchange } = this;
    if (exchange === null) {
      if (error.source === 'internal') this.service.sessionBroken(this.clientAddress, error);
      // What is malformed belongs to a request that has been answered already.
      if (this.reading !== Reading.head) return this.close();
      exchange = this.newExchange();
      exchange.method = this.heads.reader.method;
      this.reading = Reading.linger;
    }
    if (!inOrder || endsConnection(error.status)) {
      exchange.persistent = false;
      this.reading = Reading.linger;
    }
    exchange.dismiss(error);
    exchange.fail(error);
  }

  /** Ends the exchange and the connection; `onClose` writes it down. */
  private abortExchange(error: ProxyError): void {
    this.reading = Reading.closed;
    this.exchange?.abort(error);
    this.connection.reset();
  }

  /** The connection is to be closed behind what was sent. */
  private close(): void {
    const everythingRead = this.reading === Reading.waiting && this.input.empty;
    this.input.drop();
    if (everythingRead || this.input.ended) return this.endNow();
    this.reading = Reading.linger;
    this.lingering.begin(this.service.limits.stallTimeout);
  }

  /** Nothing is read any more; the connection closes as soon as everything has left. */
  private endNow(): void {
    this.reading = Reading.closed;
    this.output.endAndClose(this.service.limits.stallTimeout);
  }

  private nextRequest(): void {
    this.heads.next();
    this.reading = Reading.idle;
    if (this.input.nothingBehind) return this.endNow();
    this.connection.expect(idleTime(this.slot));
    this.input.goOn();
  }

  private newExchange(): Http1Exchange {
    // Not the generation that was in force when the head began: that one may have been given up meanwhile.
    this.service = this.slot.current;
    const exchange = new Http1Exchange(this, this.service, this.heads.reader.fields);
    exchange.bytesIn = this.heads.takeBytes();
    this.exchange = exchange;
    this.service.exchangeBegan();
    return exchange;
  }

  /** The exchange is over, however it ended: writes it down. */
  private settle(exchange: Http1Exchange): void {
    this.exchange = null;
    this.records.finish(exchange);
    exchange.service.exchangeEnded();
  }
}
