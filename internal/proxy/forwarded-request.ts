import { isIdempotent } from '../balancing/index.ts';
import type { Action, Exchange, RequestHead } from '../exchange/index.ts';
import { type Framing, NO_BODY, UNTIL_CLOSE } from '../message/index.ts';
import type { Http2RequestHead, Peer, UpstreamRequest, UpstreamTimeouts } from '../upstream/index.ts';
import type { ProxyRoute } from './proxy-route.ts';
import { checkEditedRequest } from './edited-request.ts';
import { mayStartSilent } from './silent-start.ts';
import { upstreamHead } from './upstream-head.ts';
import { upstreamHeadHttp2 } from './upstream-head-http2.ts';

/** The request of an exchange in the form that its upstream gets. */
export abstract class ForwardedRequest implements UpstreamRequest {
  protected readonly exchange: Exchange;
  protected readonly proxy: ProxyRoute;
  /** The received request, or the one that filters have edited for the exchange or for this attempt. */
  protected request: RequestHead;
  /** Where this attempt goes; null before the first. */
  protected peer: Peer | null = null;

  /** Bytes of the request body were taken from the client: without a copy in `kept` the request cannot be sent again. */
  protected bodyTaken = false;

  constructor(exchange: Exchange, proxy: ProxyRoute) {
    this.exchange = exchange;
    this.proxy = proxy;
    this.request = exchange.effective ?? exchange;
  }

  get method(): string {
    return this.request.method;
  }

  get raw(): boolean {
    return this.proxy.answersConnect && this.exchange.method === 'CONNECT';
  }

  get framing(): Framing {
    const { exchange } = this;
    return exchange.upgrade !== null || exchange.method === 'CONNECT' ? UNTIL_CLOSE : this.request.requestFraming;
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
    this.checkEdits();
    return upstreamHead(this.exchange, this.request, this.peer as Peer, this.proxy.edits);
  }

  http2Head(): Http2RequestHead {
    this.checkEdits();
    return upstreamHeadHttp2(this.exchange, this.request, this.peer as Peer, this.proxy.edits);
  }

  /** Checks an edited request. A received one was checked when it was read. */
  private checkEdits(): void {
    if (this.request !== this.exchange) checkEditedRequest(this.request);
  }

  /** The timeouts of this request. */
  protected get timeouts(): UpstreamTimeouts {
    const { exchange, proxy } = this;
    const silent = exchange.requestFraming !== NO_BODY && mayStartSilent(exchange.requestFields);
    return silent ? proxy.silentStartTimeouts : proxy.timeouts;
  }

  protected get idempotent(): boolean {
    return isIdempotent(this.request.method);
  }

  /** Whether the request may be sent again even if the upstream may have processed it (RFC 9110 §9.2.2). */
  protected get repeatable(): boolean {
    return this.request.requestFraming === NO_BODY && this.idempotent;
  }

  /** Whether an action needs what was taken of the request body: it would wait for that, or pass on the rest alone. */
  protected misses(action: Action): boolean {
    return this.bodyTaken && action.takesBody === true;
  }
}
