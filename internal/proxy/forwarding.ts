import type { Lease, Target } from '../balancing/index.ts';
import { ProxyError } from '../base/index.ts';
import { type Exchange, type ExchangeHandler, FlushResult } from '../exchange/index.ts';
import { FieldId, Fields, type Framing, NO_BODY, reasonPhrase, UNTIL_CLOSE } from '../message/index.ts';
import { WriteState } from '../transport/index.ts';
import type {
  Http2RequestHead,
  Peer,
  ResponseHandler,
  UpstreamLink,
  UpstreamRequest,
  UpstreamTimeouts,
} from '../upstream/index.ts';
import type { ProxyRoute } from './proxy-route.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { mayStartSilent } from './silent-start.ts';
import { upstreamHeadHttp2 } from './upstream-head-http2.ts';
import { upstreamHead } from './upstream-head.ts';
import { upstreamOpening } from './upstream-opening.ts';

/** Methods whose requests may be sent twice (RFC 9110 §9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * How often a request is sent again that the upstream did not look at: a server that goes away refuses once, and one that
 * refuses again and again is full.
 */
const MAX_REFUSALS = 3;

/**
 * One exchange on its way through an upstream.
 *
 *     selecting ──idle connection──────────────> sent ──> responding ──> over
 *         │ ↑                                     │
 *         │ └──────── safe to send again ─────────┤
 *         └──> dialing ──connected──> sent        └──> failed: an answer, or a cut
 *                 └──> next target, fallback, or failed
 */
export class Forwarding implements ExchangeHandler, ResponseHandler, UpstreamRequest {
  private readonly exchange: Exchange;
  private readonly proxy: ProxyRoute;
  private lease: Lease | null = null;
  private link: UpstreamLink | null = null;
  private peer: Peer | null = null;
  private cancelDial: (() => void) | null = null;
  /** Targets that could not be reached for this exchange; null while there are none. */
  private tried: Set<Target> | null = null;
  /** The request was sent again after a failure that may have been that of a connection which had grown old. */
  private retried = false;
  /** How often the upstream has said that it did not look at the request. */
  private refusals = 0;
  /** Bytes of the request body were taken from the client: unless they are kept, it cannot be sent again. */
  private bodyTaken = false;
  /** Null where the upstream cannot refuse what it was sent, and once it has answered. */
  private kept: ReplayBuffer | null = null;
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
    this.peer = peer;
    const { proxy, exchange } = this;
    const pool = proxy.pools.of(peer);
    const tunnel = exchange.upgrade !== null || proxy.stream || this.raw;
    const alone = proxy.stream || proxy.proxyProtocol !== null || this.raw;
    const once = !this.repeatable;
    const open = alone ? null : pool.take(proxy.poolOptions, this.retried, tunnel, once);
    if (open !== null) return this.send(open);
    if (exchange.record !== null) this.startedAt = performance.now();
    const needs = { alone, tunnel, once, opening: upstreamOpening(exchange, proxy.proxyProtocol) };
    const dialing = pool.open(proxy.poolOptions, needs, (error, link) => {
      this.cancelDial = null;
      // Nothing else guards what a dial calls: it happens on no connection yet.
      try {
        if (link === null) this.unreachable(error as ProxyError);
        else this.dialed(link);
      } catch (thrown) {
        this.broken(thrown);
      }
    });
    this.cancelDial = () => dialing.cancel();
  }

  // ── ExchangeHandler ──────────────────────────────────────────────────────────────────────────────────────────

  onRequestBody(buffer: Buffer, start: number, end: number): void {
    this.bodyTaken = true;
    if (this.kept !== null) this.kept.add(buffer, start, end);
    this.link?.write(buffer, start, end);
  }

  onRequestFlush(): void {
    if (this.link !== null && this.link.flush() === WriteState.full) this.exchange.pauseRequest();
  }

  onRequestEnd(trailers: Fields | null): void {
    trailers?.removeAll(this.proxy.edits.owned.trailers);
    if (this.kept !== null) this.kept.end(trailers);
    this.link?.endRequest(trailers);
  }

  onDrain(): void {
    this.link?.resume();
  }

  onAbort(): void {
    this.cancelDial?.();
    this.link?.abort();
    this.release();
  }

  // ── UpstreamRequest ──────────────────────────────────────────────────────────────────────────────────────────

  get method(): string {
    return this.exchange.method;
  }

  get raw(): boolean {
    return this.proxy.answersConnect && this.exchange.method === 'CONNECT';
  }

  get framing(): Framing {
    const { exchange } = this;
    return exchange.upgrade !== null || exchange.method === 'CONNECT' ? UNTIL_CLOSE : exchange.requestFraming;
  }

  get upgrade(): string | null {
    return this.exchange.upgrade;
  }

  get webSocketKey(): string | null {
    return this.exchange.requestFields.get('sec-websocket-key');
  }

  get last(): boolean {
    return this.proxy.edits.close;
  }

  http1Head(): string {
    return upstreamHead(this.exchange, this.peer as Peer, this.proxy.edits);
  }

  http2Head(): Http2RequestHead {
    return upstreamHeadHttp2(this.exchange, this.peer as Peer, this.proxy.edits);
  }

  // ── ResponseHandler ──────────────────────────────────────────────────────────────────────────────────────────

  onInterim(status: number, reason: string, fields: Fields): void {
    this.exchange.inform(status, reason || reasonPhrase(status), fields);
  }

  onResponse(status: number, reason: string, fields: Fields, framing: Framing): void {
    const { exchange } = this;
    this.kept = null;
    this.takeTimes();
    const filters = exchange.route.filters;
    if (filters !== null && filters.onUpstreamResponse !== null) {
      for (const filter of filters.onUpstreamResponse) filter.onUpstreamResponse(exchange, status, fields);
    }
    // The length that a HEAD response does not tell is not 0.
    const unknown = exchange.method === 'HEAD' && (fields.present & (1 << FieldId.contentLength)) === 0;
    // HTTP/2 has no reason phrases (RFC 9113 §8.3.2), and one that is empty tells nobody anything.
    exchange.respond(status, reason || reasonPhrase(status), fields, unknown ? UNTIL_CLOSE : framing);
  }

  onTunnel(status: number, reason: string, fields: Fields): void {
    this.takeTimes();
    this.tunnel = true;
    this.exchange.respondTunnel(status, reason || reasonPhrase(status), fields);
  }

  onResponseBody(buffer: Buffer, start: number, end: number): void {
    this.exchange.write(buffer, start, end);
  }

  onResponseFlush(): boolean {
    const result = this.exchange.flush();
    if (result === FlushResult.full) this.link?.pause();
    return result === FlushResult.taken;
  }

  onResponseEnd(trailers: Fields | null): boolean {
    if (!this.tunnel) {
      // The connection is its pool's again.
      this.link = null;
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
    error.upstream ??= this.peer?.text ?? null;
    this.link = null;
    this.release();
    if (!this.mayRetry(error)) return this.exchange.fail(error);
    // Until there is somebody again who takes it.
    this.exchange.pauseRequest();
    try {
      this.start();
    } catch (thrown) {
      this.broken(thrown);
    }
  }

  // ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether the request may be sent again though the upstream may have looked at it (RFC 9110 §9.2.2). */
  private get repeatable(): boolean {
    return this.exchange.requestFraming === NO_BODY && IDEMPOTENT.has(this.exchange.method);
  }

  /** Whether the request is sent again: RFC 9110 §9.2.2, and RFC 9113 §8.7 where the upstream has not looked at it. */
  private mayRetry(error: ProxyError): boolean {
    const { exchange } = this;
    if (!error.retryable || exchange.responded) return false;
    if (this.bodyTaken && (!error.unprocessed || this.kept === null || !this.kept.whole)) return false;
    if (error.unprocessed) return this.refusals++ < MAX_REFUSALS;
    if (this.retried || !this.repeatable) return false;
    this.retried = true;
    return true;
  }

  private dialed(link: UpstreamLink): void {
    const { record } = this.exchange;
    if (record !== null) record.upstreamConnect = performance.now() - this.startedAt;
    this.send(link);
    // Nothing of the body has come with the head: the head goes alone.
    if (this.link !== null) this.onRequestFlush();
  }

  /** A fault of prox: it costs this exchange alone. */
  private broken(thrown: unknown): void {
    this.link?.abort();
    this.link = null;
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

  private send(link: UpstreamLink): void {
    const { exchange } = this;
    this.link = link;
    const { record } = exchange;
    if (record !== null) {
      record.upstream = (this.peer as Peer).text;
      if (record.upstreamConnect < 0) record.upstreamConnect = 0;
      this.startedAt = performance.now();
    }
    link.send(this, this.timeouts, this);
    if (this.raw) return this.onTunnel(200, reasonPhrase(200), new Fields());
    if (exchange.requestFraming === NO_BODY) link.flush();
    else if (!link.mayRefuse) exchange.resumeRequest();
    else this.sendKept(link);
  }

  private get timeouts(): UpstreamTimeouts {
    const { exchange, proxy } = this;
    const silent = exchange.requestFraming !== NO_BODY && mayStartSilent(exchange.requestFields);
    return silent ? proxy.silentStartTimeouts : proxy.timeouts;
  }

  /** Sends what was taken of the body for a link that came to nothing, and wants the rest. */
  private sendKept(link: UpstreamLink): void {
    this.kept ??= new ReplayBuffer();
    if (!this.kept.replay(link)) this.exchange.resumeRequest();
    if (this.bodyTaken) this.onRequestFlush();
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
    // RFC 9110 §9.3.6: a 2xx to CONNECT begins a tunnel, whatever action it comes from.
    const refused = exchange.method === 'CONNECT' && proxy.fallback?.takesConnect !== true;
    if (proxy.fallback === null || refused) return exchange.fail(error);
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
