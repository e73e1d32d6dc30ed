import { Retries, TargetSearch } from '../balancing/index.ts';
import { ProxyError } from '../base/index.ts';
import {
  type Action,
  type BodyPipeline,
  EffectiveRequest,
  type Exchange,
  type ExchangeHandler,
  FALLBACK,
  type FilterChain,
  FlushResult,
  ResponseHead,
  type Run,
  runPhase,
} from '../exchange/index.ts';
import { FieldId, Fields, type Framing, NO_BODY, reasonPhrase, UNTIL_CLOSE } from '../message/index.ts';
import type { Peer, ResponseHandler, UpstreamLink } from '../upstream/index.ts';
import { FilteredResponse, type ResponseJudge } from './filtered-response.ts';
import { ForwardedRequest } from './forwarded-request.ts';
import { flushed, flushHeadLater, type GivenRequest } from './head-flush.ts';
import type { ProxyRoute } from './proxy-route.ts';
import { ReplayBuffer } from './replay-buffer.ts';
import { requestPipeline, type UpstreamBody } from './request-stages.ts';
import { upstreamOpening } from './upstream-opening.ts';

/**
 * One exchange on its way through an upstream.
 *
 *     selecting ──idle connection──────────────> sent ──> responding ──> over
 *         │ ↑                                     │
 *         │ └──────── safe to send again ─────────┤
 *         └──> dialing ──connected──> sent        └──> failed: an answer, or a cut
 *                 └──> next target, fallback, or failed
 */
export class Forwarding
  extends ForwardedRequest
  implements ExchangeHandler, GivenRequest, ResponseHandler, ResponseJudge, UpstreamBody
{
  /** Null for an upstream that is one address. */
  private readonly search: TargetSearch | null;
  private link: UpstreamLink | null = null;
  private cancelDial: (() => void) | null = null;
  /** Counts how often the request was sent again, and why; null while it was sent once. */
  private retries: Retries | null = null;
  /** Null for an upstream that cannot refuse a request it was sent, and once the upstream has answered. */
  private kept: ReplayBuffer | null = null;
  private tunnel = false;
  /** The stages of the request body; null while it has none. */
  private readonly stages: BodyPipeline | null;
  /** The response under the filters of the route; null if the route has none for it. */
  private filtered: FilteredResponse | null = null;
  /** The run that the exchange waits for before an attempt. */
  private run: Run<unknown> | null = null;
  /** Value of `performance.now()`, taken only if a log needs it. */
  private startedAt = 0;
  private lastError: ProxyError | null = null;

  constructor(exchange: Exchange, proxy: ProxyRoute) {
    super(exchange, proxy);
    this.search = proxy.balancer === null ? null : new TargetSearch(proxy.balancer);
    const stages = exchange.effective?.stages ?? null;
    this.stages = stages === null ? null : requestPipeline(stages, this, exchange);
  }

  /** Chooses a peer and sends the request to it. */
  start(): void {
    const peer = this.select();
    if (peer === null) return;
    this.peer = peer;
    const filters = this.exchange.route.filters;
    if (filters === null || filters.onUpstreamRequest === null) this.connect(peer);
    else this.editAttempt(peer, filters.onUpstreamRequest);
  }

  private connect(peer: Peer): void {
    const { proxy, exchange } = this;
    const pool = proxy.pools.of(peer);
    const tunnel = exchange.upgrade !== null || proxy.stream || this.raw;
    const alone = proxy.stream || proxy.proxyProtocol !== null || this.raw;
    const once = !this.repeatable;
    const open = alone ? null : pool.take(proxy.poolOptions, this.retries?.afterOldConnection ?? false, tunnel, once);
    if (open !== null) return this.send(open);
    if (exchange.record !== null) this.startedAt = performance.now();
    const needs = { alone, tunnel, once, opening: upstreamOpening(exchange, proxy.proxyProtocol) };
    const dialing = pool.open(proxy.poolOptions, needs, (error, link) => {
      this.cancelDial = null;
      // No connection guards this callback of a dial, as there is none yet.
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
    if (this.stages === null) this.sendBody(buffer, start, end);
    else this.stages.write(buffer, start, end);
  }

  onRequestFlush(): void {
    const result = this.stages === null ? this.flushBody() : this.stages.flush();
    if (result === FlushResult.full) this.exchange.pauseRequest();
  }

  onRequestEnd(trailers: Fields | null): void {
    this.bodyTaken = true;
    if (this.stages === null) this.endBody(trailers);
    else this.stages.end(trailers);
  }

  onDrain(): void {
    if (this.filtered === null || !this.filtered.holding) this.link?.resume();
  }

  onAbort(error: ProxyError): void {
    this.run?.abort(error);
    this.exchange.effective?.closeStages();
    this.cancelDial?.();
    this.letGo();
  }

  // ── the request body behind its stages ───────────────────────────────────────────────────────────────────────

  /** @internal */
  sendBody(buffer: Buffer, start: number, end: number): void {
    if (this.kept !== null) this.kept.add(buffer, start, end);
    this.link?.write(buffer, start, end);
  }

  /** @internal */
  flushBody(): FlushResult {
    return this.link === null ? FlushResult.taken : flushed(this.link.flush());
  }

  /** @internal */
  endBody(trailers: Fields | null): void {
    trailers?.removeAll(this.proxy.edits.owned.trailers);
    if (this.kept !== null) this.kept.end(trailers);
    this.link?.endRequest(trailers);
  }

  // ── ResponseHandler ──────────────────────────────────────────────────────────────────────────────────────────

  onInterim(status: number, reason: string, fields: Fields): void {
    this.exchange.inform(status, reason || reasonPhrase(status), fields);
  }

  onResponse(status: number, reason: string, fields: Fields, framing: Framing): void {
    const { exchange } = this;
    this.takeTimes();
    // A HEAD response without Content-Length has an unknown length, not 0.
    const unknown = exchange.method === 'HEAD' && !fields.holds(FieldId.contentLength);
    const body = unknown ? UNTIL_CLOSE : framing;
    // HTTP/2 has no reason phrases (RFC 9113 §8.3.2); a client of HTTP/1.1 gets the usual one.
    const phrase = reason || reasonPhrase(status);
    const filters = exchange.route.filters;
    if (filters !== null && filters.onUpstreamResponse !== null) {
      // A copy: the upstream connection may start its next request while a filter waits.
      const head = new ResponseHead(status, phrase, fields.copy(), body, exchange.method === 'HEAD');
      this.filtered = new FilteredResponse(head, exchange, this);
      return this.filtered.decide(filters.onUpstreamResponse);
    }
    this.kept = null;
    exchange.respond(status, phrase, fields, body);
  }

  onTunnel(status: number, reason: string, fields: Fields): void {
    this.takeTimes();
    this.tunnel = true;
    this.exchange.respondTunnel(status, reason || reasonPhrase(status), fields);
  }

  onResponseBody(buffer: Buffer, start: number, end: number): void {
    (this.filtered ?? this.exchange).write(buffer, start, end);
  }

  onResponseFlush(): boolean {
    const result = (this.filtered ?? this.exchange).flush();
    if (result === FlushResult.full) this.link?.pause();
    return result === FlushResult.taken;
  }

  onResponseEnd(trailers: Fields | null): boolean {
    if (!this.tunnel) {
      // The pool owns the connection again.
      this.link = null;
      this.search?.release();
    }
    const { record } = this.exchange;
    if (record !== null) record.upstreamResponse = performance.now() - this.startedAt;
    return (this.filtered ?? this.exchange).end(trailers) === FlushResult.taken;
  }

  onUpstreamDrain(): void {
    if (this.stages === null) this.exchange.resumeRequest();
    else this.stages.onDrain();
  }

  onUpstreamError(error: ProxyError): void {
    error.upstream ??= this.peer?.text ?? null;
    this.link = null;
    this.search?.release();
    this.run?.abort(error);
    this.filtered?.drop();
    this.filtered = null;
    if (!this.mayRetry(error)) return this.exchange.fail(error);
    this.again();
  }

  // ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether the request is sent again: RFC 9110 §9.2.2, or RFC 9113 §8.7 if the upstream has not processed it. */
  private mayRetry(error: ProxyError): boolean {
    if (!error.retryable || this.exchange.responded) return false;
    if (this.bodyTaken && (!error.unprocessed || this.kept?.whole !== true)) return false;
    this.retries ??= new Retries();
    return error.unprocessed ? this.retries.takeRefusal() : this.repeatable && this.retries.takeOldConnection();
  }

  private dialed(link: UpstreamLink): void {
    const { record } = this.exchange;
    if (record !== null) record.upstreamConnect = performance.now() - this.startedAt;
    this.send(link);
  }

  /** @internal A fault of prox: it ends this exchange alone. */
  broken(thrown: unknown): void {
    this.letGo();
    this.exchange.fail(ProxyError.from(thrown));
  }

  /** Gives up the upstream, its target, and the response that it may have begun. */
  private letGo(): void {
    this.filtered?.drop();
    this.filtered = null;
    this.link?.abort();
    this.link = null;
    this.search?.release();
  }

  private select(): Peer | null {
    const { search, exchange, proxy } = this;
    if (search === null) {
      if (this.lastError === null) return proxy.peerOf('');
      this.giveUp(this.lastError);
      return null;
    }
    const filters = exchange.route.filters?.onSelectTarget ?? null;
    if (filters !== null) for (const filter of filters) filter.onSelectTarget(exchange, search);
    const target = search.next();
    if (target !== null) return proxy.peerOf(target.address);
    this.giveUp(this.lastError ?? new ProxyError('no_target', 'the balancer has no target'));
    return null;
  }

  /** Lets the filters change this attempt alone. */
  private editAttempt(peer: Peer, filters: NonNullable<FilterChain['onUpstreamRequest']>): void {
    const { exchange } = this;
    const attempt = new EffectiveRequest(exchange.effective ?? exchange, true);
    this.request = attempt;
    runPhase(
      filters,
      this,
      (filter) => filter.onUpstreamRequest(exchange, attempt),
      (decision) => (decision === null ? this.connect(peer) : this.replaceBy(decision)),
      (error) => this.failed(error),
    );
  }

  // ── PhaseOwner and ResponseJudge ─────────────────────────────────────────────────────────────────────────────

  /** An error that is thrown in a later turn ends this exchange alone. */
  guard(action: () => void): void {
    this.exchange.guard(() => {
      try {
        action();
      } catch (thrown) {
        this.broken(thrown);
      }
    });
  }

  waitFor(run: Run<unknown> | null): void {
    this.run = run;
  }

  accept(): void {
    this.kept = null;
  }

  released(flushed: FlushResult): void {
    if (flushed !== FlushResult.full) this.link?.resume();
  }

  hold(): void {
    this.link?.pause();
  }

  tryAgain(): boolean {
    // A body can be sent twice only if all of it was kept.
    if (!this.idempotent || (this.bodyTaken && this.kept?.whole !== true)) return false;
    this.retries ??= new Retries();
    if (this.search?.hasAnother() === false || !this.retries.takeFilterRetry()) return false;
    this.filtered = null;
    this.search?.failed();
    this.letGo();
    this.again();
    return true;
  }

  replaceBy(action: Action): void {
    const { exchange } = this;
    this.letGo();
    if (action === FALLBACK) return this.giveUp(new ProxyError('no_target', 'a filter asked for the fallback'));
    if (this.misses(action)) return exchange.fail(new ProxyError('no_target', 'the request body is gone'));
    exchange.handler = null;
    exchange.patient = false;
    action.handle(exchange);
  }

  failed(error: ProxyError): void {
    this.letGo();
    this.exchange.fail(error);
  }

  private again(): void {
    // The body waits until the next upstream is ready to take it.
    this.exchange.pauseRequest();
    try {
      this.start();
    } catch (thrown) {
      this.broken(thrown);
    }
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
    if (this.request.requestFraming === NO_BODY) link.flush();
    else {
      // The next link gets the body that one has refused, whether or not it can refuse as well.
      if (link.mayRefuse || this.kept !== null) this.sendKept(link);
      else exchange.resumeRequest();
      flushHeadLater(this);
    }
  }

  /** @internal */
  flushHead(): void {
    if (this.link !== null) this.onRequestFlush();
  }

  /** Sends the bytes that were taken for a link that has failed, and asks the client for the rest. */
  private sendKept(link: UpstreamLink): void {
    this.kept ??= new ReplayBuffer();
    if (!this.kept.replay(link)) this.exchange.resumeRequest();
    if (this.bodyTaken) this.onRequestFlush();
  }

  private unreachable(error: ProxyError): void {
    this.lastError = error;
    if (this.search !== null) {
      this.search.failed();
      this.proxy.unreachable(this.exchange, error);
    }
    this.start();
  }

  /** No upstream is left. */
  private giveUp(error: ProxyError): void {
    const { exchange, proxy } = this;
    // RFC 9110 §9.3.6: a 2xx to CONNECT begins a tunnel, so only an action that takes CONNECT may answer.
    const refused = exchange.method === 'CONNECT' && proxy.fallback?.takesConnect !== true;
    if (proxy.fallback === null || refused || this.misses(proxy.fallback)) return exchange.fail(error);
    proxy.unreachable(exchange, error);
    exchange.handler = null;
    exchange.patient = false;
    proxy.fallback.handle(exchange);
  }

  private takeTimes(): void {
    const { record } = this.exchange;
    if (record !== null) record.upstreamHeader = performance.now() - this.startedAt;
  }
}
