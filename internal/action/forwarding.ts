import type { Lease, Target } from '../balancer/index.ts';
import { ProxyError } from '../base/index.ts';
import { type Exchange, type ExchangeHandler, FlushResult } from '../exchange/index.ts';
import { FieldId, type Fields, type Framing, NO_BODY, UNTIL_CLOSE } from '../http1/index.ts';
import { WriteState } from '../transport/index.ts';
import type { Http1Connection, Peer, ResponseHandler } from '../upstream/index.ts';
import type { ProxyRoute } from './proxy-route.ts';
import { upstreamHead } from './upstream-head.ts';

/** Methods whose requests may be sent twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * One exchange on its way through an upstream.
 *
 *     selecting ──idle connection──────────────> sent ──> responding ──> over
 *         │ ↑                                     │
 *         │ └──────── safe to send again ─────────┤
 *         └──> dialing ──connected──> sent        └──> failed: an answer, or a cut
 *                 └──> next target, fallback, or failed
 */
export class Forwarding implements ExchangeHandler, ResponseHandler {
  private readonly exchange: Exchange;
  private readonly proxy: ProxyRoute;
  private lease: Lease | null = null;
  private connection: Http1Connection | null = null;
  private cancelDial: (() => void) | null = null;
  /** Targets that could not be reached for this exchange; null while there are none. */
  private tried: Set<Target> | null = null;
  private retried = false;
  private tunnel = false;
  /** Times of `performance.now()`, taken only when somebody wants them. */
  private startedAt = 0;
  private lastError: ProxyError | null = null;

  constructor(exchange: Exchange, proxy: ProxyRoute) {
    this.exchange = exchange;
    this.proxy = proxy;
  }

  /** Chooses a peer and sends the request to it. */
  start(): void {
    const peer = this.select();
    if (peer === null) return;
    const { proxy } = this;
    const pool = proxy.pools.of(peer);
    const idle = proxy.stream || this.retried ? null : pool.take(proxy.poolOptions);
    if (idle !== null) return this.send(idle, peer);
    if (this.exchange.record !== null) this.startedAt = performance.now();
    const dialing = pool.open(proxy.poolOptions, (error, connection) => {
      this.cancelDial = null;
      // Nothing else guards what a dial calls: it happens on no connection yet.
      try {
        if (connection === null) this.unreachable(error as ProxyError);
        else this.dialed(connection, peer);
      } catch (thrown) {
        this.broken(thrown);
      }
    });
    this.cancelDial = () => dialing.cancel();
  }

  // ── ExchangeHandler ──────────────────────────────────────────────────────────────────────────────────────────

  onRequestBody(buffer: Buffer, start: number, end: number): void {
    this.connection?.write(buffer, start, end);
  }

  onRequestFlush(): void {
    if (this.connection !== null && this.connection.flush() === WriteState.full) this.exchange.pauseRequest();
  }

  onRequestEnd(trailers: Fields | null): void {
    this.connection?.endRequest(trailers);
  }

  onDrain(): void {
    this.connection?.resume();
  }

  onAbort(): void {
    this.cancelDial?.();
    this.connection?.abort();
    this.release();
  }

  // ── ResponseHandler ──────────────────────────────────────────────────────────────────────────────────────────

  onInterim(status: number, reason: string, fields: Fields): void {
    this.exchange.inform(status, reason, fields);
  }

  onResponse(status: number, reason: string, fields: Fields, framing: Framing): void {
    const { exchange } = this;
    this.takeTimes();
    const filters = exchange.route.filters;
    if (filters !== null && filters.onUpstreamResponse !== null) {
      for (const filter of filters.onUpstreamResponse) filter.onUpstreamResponse(exchange, status, fields);
    }
    // The length that a HEAD response does not tell is not 0.
    const unknown = exchange.method === 'HEAD' && (fields.present & (1 << FieldId.contentLength)) === 0;
    exchange.respond(status, reason, fields, unknown ? UNTIL_CLOSE : framing);
  }

  onTunnel(status: number, reason: string, fields: Fields): void {
    this.takeTimes();
    this.tunnel = true;
    this.exchange.respondTunnel(status, reason, fields);
  }

  onResponseBody(buffer: Buffer, start: number, end: number): void {
    this.exchange.write(buffer, start, end);
  }

  onResponseFlush(): boolean {
    const result = this.exchange.flush();
    if (result === FlushResult.full) this.connection?.pause();
    return result === FlushResult.taken;
  }

  onResponseEnd(trailers: Fields | null): boolean {
    if (!this.tunnel) {
      // The connection is its pool's again.
      this.connection = null;
      this.release();
    }
    const { record } = this.exchange;
    if (record !== null) record.upstreamResponse = performance.now() - this.startedAt;
    return this.exchange.end(trailers) === FlushResult.taken;
  }

  onUpstreamDrain(): void {
    this.exchange.resumeRequest();
  }

  onUpstreamError(error: ProxyError): void {
    this.connection = null;
    this.release();
    const { exchange } = this;
    const again = error.retryable && !this.retried && !exchange.responded;
    if (again && exchange.requestFraming === NO_BODY && IDEMPOTENT.has(exchange.method)) {
      this.retried = true;
      try {
        return this.start();
      } catch (thrown) {
        return this.broken(thrown);
      }
    }
    exchange.fail(error);
  }

  // ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

  private dialed(connection: Http1Connection, peer: Peer): void {
    const { record } = this.exchange;
    if (record !== null) record.upstreamConnect = performance.now() - this.startedAt;
    this.send(connection, peer);
    // Nothing of the body has come with the head: the head goes alone.
    if (this.connection !== null) this.onRequestFlush();
  }

  /** A fault of prox: it costs this exchange alone. */
  private broken(thrown: unknown): void {
    this.connection?.abort();
    this.connection = null;
    this.release();
    this.exchange.fail(ProxyError.from(thrown));
  }

  private select(): Peer | null {
    const { balancer } = this.proxy;
    if (balancer === null) {
      if (this.lastError === null) return this.proxy.peerOf('');
      this.giveUp(this.lastError);
      return null;
    }
    this.lease = balancer.select(this.tried);
    if (this.lease === null) {
      this.giveUp(this.lastError ?? new ProxyError('no_target', 'the balancer has no target'));
      return null;
    }
    return this.proxy.peerOf(this.lease.target.address);
  }

  private send(connection: Http1Connection, peer: Peer): void {
    const { exchange, proxy } = this;
    this.connection = connection;
    const { record } = exchange;
    if (record !== null) {
      record.upstream = peer.text;
      if (record.upstreamConnect < 0) record.upstreamConnect = 0;
      this.startedAt = performance.now();
    }
    const tunnel = exchange.upgrade !== null || exchange.method === 'CONNECT';
    const framing = tunnel ? UNTIL_CLOSE : exchange.requestFraming;
    const head = upstreamHead(exchange, peer, proxy.edits);
    connection.last = proxy.edits.close;
    connection.send(head, exchange.method, framing, proxy.timeouts, this);
    if (exchange.requestFraming === NO_BODY) connection.flush();
    else exchange.resumeRequest();
  }

  private unreachable(error: ProxyError): void {
    this.lastError = error;
    if (this.lease !== null) {
      this.tried ??= new Set();
      this.tried.add(this.lease.target);
      this.release();
      this.proxy.unreachable(this.exchange, error);
    }
    this.start();
  }

  /** No upstream is left. */
  private giveUp(error: ProxyError): void {
    const { exchange, proxy } = this;
    if (proxy.fallback === null) return exchange.fail(error);
    proxy.unreachable(exchange, error);
    exchange.handler = null;
    exchange.patient = false;
    proxy.fallback.handle(exchange);
  }

  private takeTimes(): void {
    const { record } = this.exchange;
    if (record !== null) record.upstreamHeader = performance.now() - this.startedAt;
  }

  private release(): void {
    this.lease?.release();
    this.lease = null;
  }
}
