import { ProxyError } from '../../base/index.ts';
import type { FlushResult } from '../../exchange/index.ts';
import { type Fields, NO_BODY } from '../../message/index.ts';
import type { Connection, ConnectionHandler } from '../../transport/index.ts';
import { ConnectionClient } from './connection-client.ts';
import { endsConnection } from '../error-response.ts';
import type { BoundsOwner } from '../exchange-bounds.ts';
import { Lingering } from '../lingering.ts';
import { routeExchange } from '../route-exchange.ts';
import type { DrainableSession, SessionHost, SessionSlot } from '../session-host.ts';
import { SessionRecords } from '../session-records.ts';
import { SessionSpeed } from '../session-speed.ts';
import { ClientOutput } from './client-output.ts';
import { checkExpectation, describeRequest } from './describe-request.ts';
import { HeadIntake } from './head-intake.ts';
import { type ExchangeSession, Http1Exchange } from './http1-exchange.ts';
import { Reading, type RequestOwner, RequestReader } from './request-reader.ts';

/** Serves a client connection with HTTP/1.1: one exchange after another. */
export class Http1Session
  extends ConnectionClient
  implements BoundsOwner, ConnectionHandler, DrainableSession, ExchangeSession, RequestOwner
{
  place = -1;
  private readonly slot: SessionSlot;
  /** The generation that the exchange under way began with. */
  private service: SessionHost;
  private readonly heads: HeadIntake;
  private readonly requests: RequestReader;
  private readonly output: ClientOutput;
  private readonly lingering: Lingering;
  private exchange: Http1Exchange | null = null;
  private readonly speed = new SessionSpeed(() => this.connection.guard(() => this.requests.goOn()));
  /** Bytes sent at the last check to a client that has ended its side. */
  private sentBefore = 0;
  private readonly records = new SessionRecords();

  constructor(connection: Connection, slot: SessionSlot, secure: boolean) {
    super(connection, secure);
    this.slot = slot;
    this.output = new ClientOutput(connection);
    this.lingering = new Lingering(connection);
    this.service = slot.current;
    this.heads = new HeadIntake(slot, connection, this);
    this.requests = new RequestReader(connection, this.heads, this.speed, this);
    slot.sessions.add(this);
    // header_timeout also applies to a client that connects and sends nothing.
    connection.expect(this.service.limits.headerTimeout);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.requests.take(buffer, start, end);
  }

  onEnd(): void {
    this.requests.end();
  }

  onDrain(): void {
    this.output.full = false;
    if (this.exchange === null) this.requests.goOn();
    else this.exchange.onDrain();
  }

  onDeadline(): void {
    const { connection, exchange } = this;
    const { state, betweenRequests } = this.requests;
    if (state === Reading.head && !betweenRequests) {
      return this.refuse(new ProxyError('head_timeout', 'the head came too slowly'), false);
    }
    if (state === Reading.linger) return this.lingering.onDeadline();
    // `onStalled` handles bytes that the client has not taken.
    if (connection.hasPending && (exchange === null || this.output.tunnelEnded)) {
      connection.expectDrain(this.service.limits.stallTimeout);
      return connection.expect(this.service.limits.stallTimeout);
    }
    if (exchange === null) return this.slot.draining ? this.endNow() : connection.destroy();
    // The client has ended its side, and has got bytes since the last check.
    if (state === Reading.waiting && exchange.patient && exchange.bytesOut > this.sentBefore) {
      return this.waitForHalfClosed();
    }
    this.giveUp(exchange, new ProxyError('client_stalled', 'the client moved no byte for stall_timeout'));
  }

  onStalled(): void {
    if (this.requests.state === Reading.linger) return this.lingering.onDeadline();
    // The client has not taken the whole answer.
    if (this.exchange === null) return this.connection.cut(false);
    this.giveUp(this.exchange, new ProxyError('client_stalled', 'the client took no byte for stall_timeout'));
  }

  onClose(error: Error | null): void {
    this.requests.close();
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
    if (this.requests.betweenRequests) this.connection.expect(idleTime(this.slot));
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
    else if (this.requests.state === Reading.head) this.refuse(error, false);
  }

  /** The client did not send or take bytes in time. */
  private giveUp(exchange: Http1Exchange, error: ProxyError): void {
    if (exchange.responded || error.status === 0) this.abortExchange(error);
    else this.refuse(error, false);
  }

  /** @internal The body is wanted. */
  resumeBody(): void {
    const { exchange, requests } = this;
    if (!requests.body.paused) return;
    requests.body.paused = false;
    if (requests.state === Reading.body && exchange?.tunnel === false) {
      this.connection.expect(exchange.patience);
      if (!exchange.patient) this.heads.bounds?.awaitBody();
    }
    requests.goOn();
  }

  /** @internal No more of the body is wanted for now. */
  pauseBody(): void {
    const { body, state } = this.requests;
    if (body.paused || state !== Reading.body) return;
    body.paused = true;
    this.connection.expect(0);
    this.heads.bounds?.holdBody();
    this.connection.pause();
  }

  /** @internal Whether the response that begins now has to be the last one. */
  mustCloseAfterResponse(status: number): boolean {
    const { requests } = this;
    if (this.slot.draining || requests.nothingBehind) return true;
    if (requests.state !== Reading.body) return false;
    return requests.body.mustCloseAfter(status, (this.exchange as Http1Exchange).expectsContinue);
  }

  /** @internal Sends the written bytes. */
  flush(): FlushResult {
    return this.output.flush(this.exchange);
  }

  /** @internal From here on, the client's bytes are passed on unchanged. */
  startTunnel(): void {
    this.heads.bounds?.clear();
    this.connection.expectDrain(0);
    this.connection.expect(0);
    this.requests.startTunnel(this.exchange as Http1Exchange);
  }

  /** @internal The other side of the tunnel has sent its last byte. */
  endTunnelOutput(): void {
    this.output.endTunnel(this.requests.nothingBehind, this.service.limits.stallTimeout);
  }

  /** @internal The exchange cannot be completed: nothing more is sent, and the client must notice. */
  cut(exchange: Http1Exchange): void {
    this.settle(exchange);
    this.requests.close();
    // A close could be read as the end of the response, a reset cannot (RFC 9112 §8).
    this.connection.reset();
  }

  /** @internal The response is complete. */
  exchangeOver(exchange: Http1Exchange): void {
    this.settle(exchange);
    this.heads.bounds?.clear();
    if (this.requests.state === Reading.closed) return;
    if (!exchange.persistent) return this.close();
    if (this.requests.responseOver()) return this.awaitRequest();
    this.connection.expect(this.service.limits.stallTimeout);
    this.requests.goOn();
  }

  // ── RequestOwner ─────────────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  get mayBegin(): boolean {
    return !this.output.full;
  }

  /** @internal */
  requestBegins(): void {
    this.service = this.slot.current;
    this.heads.begin(this.service);
  }

  /** @internal */
  headIncomplete(): void {
    this.connection.expect(this.service.limits.headerTimeout);
  }

  /** @internal A head is complete: makes the exchange and gives it to its route. @throws ProxyError */
  headComplete(): void {
    const exchange = this.newExchange();
    this.requests.headTaken();
    this.connection.expect(0);
    describeRequest(this.heads.reader, exchange);
    const { requestFraming: framing } = exchange;
    if (framing === NO_BODY) this.heads.bounds?.endRequest();
    else this.requests.expectBody(exchange, framing, this.service.limits.maxBodyBytes);
    this.heads.bounds?.startResponse();
    checkExpectation(exchange);
    routeExchange(exchange, this.speed, this.records);
  }

  /** @internal */
  bodyCame(bytes: number): void {
    const exchange = this.exchange as Http1Exchange;
    exchange.bytesIn += bytes;
    if (this.requests.body.paused || !(exchange.tunnel ? this.output.tunnelEnded : !exchange.patient)) return;
    this.connection.expect(this.service.limits.stallTimeout);
    // The body may have waited for a speed limit before.
    if (!exchange.tunnel) this.heads.bounds?.awaitBody();
  }

  /** @internal */
  bodyComplete(bytes: number, trailers: Fields | null): void {
    const exchange = this.exchange as Http1Exchange;
    exchange.bytesIn += bytes;
    this.connection.expect(0);
    this.heads.bounds?.endRequest();
    exchange.handler?.onRequestEnd(trailers);
  }

  /** @internal */
  discarded(): void {
    if (this.requests.body.tooLong) this.close();
    else this.connection.expect(this.service.limits.stallTimeout);
  }

  /** @internal */
  discardOver(): void {
    this.awaitRequest();
  }

  /** @internal */
  readOver(): void {
    const { body, state } = this.requests;
    if (state === Reading.body && !body.paused) this.exchange?.handler?.onRequestFlush();
  }

  /** @internal Behind kept bytes prox cannot see the end of a patient client, so the client gets the time of one that has ended its side. */
  bytesKept(): void {
    const { state } = this.requests;
    if (state === Reading.waiting) this.waitForHalfClosed();
    else if (state === Reading.body) this.heads.bounds?.holdBody();
  }

  /** @internal */
  clientEnded(): void {
    const { requests } = this;
    if (requests.state === Reading.body) {
      if (!requests.endBody()) {
        return this.abortExchange(new ProxyError('client_closed', 'the client left inside of its request'));
      }
      this.exchange?.handler?.onRequestEnd(null);
    }
    // A client may end its side and still wait for the answer.
    if (this.exchange === null) this.endNow();
    else this.waitForHalfClosed();
  }

  /**
   * @internal Answers an error. Behind a malformed request nothing more is read.
   * @param inOrder whether the end of the request is known, so that the connection may continue behind it
   */
  refuse(thrown: unknown, inOrder: boolean): void {
    const error = ProxyError.from(thrown);
    let { exchange } = this;
    if (exchange === null) {
      if (error.source === 'internal') this.service.sessionBroken(this.clientAddress, error);
      // The malformed bytes belong to a request that was answered already.
      if (this.requests.state !== Reading.head) return this.close();
      exchange = this.newExchange();
      exchange.method = this.heads.reader.method;
      this.requests.linger();
    }
    if (!inOrder || endsConnection(error.status)) {
      exchange.persistent = false;
      this.requests.linger();
    }
    exchange.dismiss(error);
    exchange.fail(error);
  }

  /** Ends the exchange and the connection; `onClose` logs it. */
  private abortExchange(error: ProxyError): void {
    this.requests.close();
    this.exchange?.abort(error);
    this.connection.reset();
  }

  /** Closes the connection after the bytes that were sent. */
  private close(): void {
    const { requests } = this;
    if (requests.state === Reading.closed) return;
    const everythingRead = requests.state === Reading.waiting && requests.empty;
    if (everythingRead || requests.ended) return this.endNow();
    requests.linger();
    this.lingering.begin(this.service.limits.stallTimeout);
  }

  /** Nothing is read any more; the connection closes as soon as everything has left. */
  private endNow(): void {
    this.requests.close();
    this.output.endAndClose(this.service.limits.stallTimeout);
  }

  /** A request is over, and the next may come. */
  private awaitRequest(): void {
    if (this.requests.nothingBehind) return this.endNow();
    this.connection.expect(idleTime(this.slot));
    this.requests.goOn();
  }

  /**
   * A client that has ended its side waits for the rest of a response that may be silent for long. TCP does not tell it apart
   * from a client that has gone. If no other limit applies, a time without a byte for the client ends the wait.
   */
  private waitForHalfClosed(): void {
    const { connection, exchange } = this;
    if (exchange === null || !exchange.patient) return;
    this.sentBefore = exchange.bytesOut;
    connection.expect(exchange.service.limits.stallTimeout);
  }

  private newExchange(): Http1Exchange {
    // The generation of the head's first byte may be disposed of by now, so the current one is used.
    this.service = this.slot.current;
    const exchange = new Http1Exchange(this, this.service, this.heads.reader.fields);
    exchange.bytesIn = this.heads.takeBytes();
    this.exchange = exchange;
    this.service.exchangeBegan();
    return exchange;
  }

  /** The exchange has succeeded or failed: logs it. */
  private settle(exchange: Http1Exchange): void {
    this.exchange = null;
    this.records.finish(exchange);
    exchange.service.exchangeEnded();
  }
}

/**
 * Milliseconds that an idle connection stays open when the listener closes. A request that is on its way is answered with
 * `Connection: close` (RFC 9112 §9.6). With an immediate close, the client could not know whether it was processed.
 */
const DRAINING_IDLE_MS = 500;

/** Milliseconds to keep a connection without a request: idle_timeout, less when the listener closes. 0 means without a limit. */
function idleTime(slot: SessionSlot): number {
  return slot.draining ? DRAINING_IDLE_MS : slot.current.limits.idleTimeout;
}
