import { isIdempotent, Retries } from '../balancing/index.ts';
import { type Deadline, ProxyError } from '../base/index.ts';
import { DEFAULT_LIMITS } from '../config/index.ts';
import type { Fields, Framing } from '../message/index.ts';
import type { Dialing } from '../transport/index.ts';
import { type OwnRequest, OwnRequestHead } from './own-request.ts';
import type { Peer } from './peer.ts';
import { poolOptionsOf } from './pool-options.ts';
import type { LinkNeeds, PoolOptions, Pools } from './pool.ts';
import type { ResponseHandler } from './response-handler.ts';
import type { UpstreamLink, UpstreamTimeouts } from './upstream-link.ts';

/** The bounds of an own request. */
export interface CallBounds {
  /** Milliseconds to connect, to send, and to get the whole response together. The timeout may come up to 150 ms late. */
  readonly timeout: number;
  /** Bytes of a response body at most; a longer one fails the call. */
  readonly maxBodyBytes: number;
  /**
   * Whether the caller wants the body of a response with that status; left out for always. Without it, the call returns after
   * the head, and the body is discarded so that the connection can be used again.
   */
  readonly wantsBody?: (status: number) => boolean;
  /** Aborts the call; null or left out for never. */
  readonly signal?: AbortSignal | null;
}

/** The final response to an own request. Redirects are not followed, but returned. */
export interface OwnResponse {
  readonly status: number;
  /** Empty over HTTP/2, which has none (RFC 9113 §8.3.2). */
  readonly reason: string;
  /** The caller's own. */
  readonly fields: Fields;
  /** Empty where it was not wanted. */
  readonly body: Buffer;
}

/** So much of a body that is not wanted is read over to keep the connection; before more, closing is cheaper. */
const MAX_SKIPPED_BYTES = 65_536;

/** The deadline of the call bounds every wait in it. */
const NO_TIMEOUTS: UpstreamTimeouts = { responseHeader: 0, stall: 0 };

/**
 * Sends requests of prox itself to one peer, over the connections that proxied requests use: HTTP/1.1 or HTTP/2, with
 * their TLS, keep-alive and limits. The peer has to be noted for the generation, as those of a proxy action are, or its
 * idle connections are closed with each reload.
 */
export class UpstreamClient {
  readonly peer: Peer;
  private readonly pools: Pools;
  private readonly options: PoolOptions;

  /** @param options those of a service; its defaults when left out */
  constructor(pools: Pools, peer: Peer, options: PoolOptions = poolOptionsOf(DEFAULT_LIMITS, null)) {
    this.pools = pools;
    this.peer = peer;
    this.options = options;
  }

  /**
   * Sends a request and reads the response. Once the promise has settled, or the signal is aborted, nothing of the call
   * waits any more but a body that is read over.
   * @throws ProxyError upstream_timeout when `timeout` has passed; response_too_large; what a proxied request fails with;
   * the reason of the signal, when that is a ProxyError, and else client_closed
   * @throws TypeError when the request would break the message
   */
  async send(request: OwnRequest, bounds: CallBounds): Promise<OwnResponse> {
    const { pools, options, peer } = this;
    const head = new OwnRequestHead(request, peer);
    if (bounds.signal?.aborted === true) throw abortError(bounds.signal);
    return new Promise((resolve, reject) => {
      new Call({ pools, options, peer, head, body: request.body ?? null, bounds }).start(resolve, reject);
    });
  }
}

interface CallParts {
  readonly pools: Pools;
  readonly options: PoolOptions;
  readonly peer: Peer;
  readonly head: OwnRequestHead;
  readonly body: Buffer | null;
  readonly bounds: CallBounds;
}

/**
 * One own request.
 *
 *     connecting ──link──> sent ──head──> reading ──end──────────> over: the response
 *         ↑                 │               └──body not wanted───> skipping ──end, or enough of it──> over
 *         └──safe to repeat─┘
 *     each of them ──failure, time is up, aborted──> over: the error, unless the response was given
 */
class Call implements ResponseHandler {
  private readonly parts: CallParts;
  private readonly deadline: Deadline;
  private resolve: (response: OwnResponse) => void = () => {};
  private reject: (error: ProxyError) => void = () => {};
  private dialing: Dialing | null = null;
  private link: UpstreamLink | null = null;
  /** Null while the request was not sent twice. */
  private retries: Retries | null = null;
  /** Null before the head of the response. */
  private response: Omit<OwnResponse, 'body'> | null = null;
  private content: Buffer[] = [];
  private bytes = 0;
  /** The caller has its response. */
  private settled = false;
  private over = false;

  constructor(parts: CallParts) {
    this.parts = parts;
    this.deadline = parts.pools.deadlines.create(() => this.onDeadline());
  }

  start(resolve: (response: OwnResponse) => void, reject: (error: ProxyError) => void): void {
    const { bounds, pools } = this.parts;
    this.resolve = resolve;
    this.reject = reject;
    pools.deadlines.set(this.deadline, bounds.timeout);
    bounds.signal?.addEventListener('abort', this.onAbort);
    try {
      this.connect();
    } catch (thrown) {
      this.fail(ProxyError.from(thrown));
    }
  }

  // ── the request ──────────────────────────────────────────────────────────────────────────────────────────────

  private connect(): void {
    const { pools, options, peer } = this.parts;
    const pool = pools.of(peer);
    const once = !isIdempotent(this.parts.head.method);
    const open = pool.take(options, this.retries?.afterOldConnection ?? false, false, once);
    if (open !== null) return this.sendOn(open);
    const needs: LinkNeeds = { alone: false, tunnel: false, once, opening: null };
    this.dialing = pool.open(options, needs, (error, link) => {
      this.dialing = null;
      if (link === null) return this.fail(error as ProxyError);
      // No connection guards what a dial calls.
      try {
        this.sendOn(link);
      } catch (thrown) {
        this.fail(ProxyError.from(thrown));
      }
    });
  }

  private sendOn(link: UpstreamLink): void {
    const { head, body } = this.parts;
    this.link = link;
    link.send(head, NO_TIMEOUTS, this);
    if (body === null || body.length === 0) {
      link.flush();
      return;
    }
    link.write(body, 0, body.length);
    link.endRequest(null);
  }

  private mayRetry(error: ProxyError): boolean {
    if (!error.retryable || this.response !== null) return false;
    this.retries ??= new Retries();
    if (error.unprocessed) return this.retries.takeRefusal();
    return isIdempotent(this.parts.head.method) && this.retries.takeOldConnection();
  }

  // ── ResponseHandler ──────────────────────────────────────────────────────────────────────────────────────────

  onInterim(): void {}

  onTunnel(): void {
    throw new ProxyError('bad_response', 'the upstream switched protocols, which was not asked for');
  }

  onResponse(status: number, reason: string, fields: Fields, framing: Framing): void {
    const { maxBodyBytes, wantsBody } = this.parts.bounds;
    // The connection owns the received fields and uses their memory again.
    this.response = { status, reason, fields: fields.copy() };
    const wanted = wantsBody === undefined || wantsBody(status);
    if (wanted && framing > maxBodyBytes) return this.tooLarge();
    if (wanted) return;
    this.settle();
    if (framing > MAX_SKIPPED_BYTES) this.end();
  }

  onResponseBody(buffer: Buffer, start: number, end: number): void {
    this.bytes += end - start;
    if (this.settled) {
      if (this.bytes > MAX_SKIPPED_BYTES) this.end();
    } else if (this.bytes > this.parts.bounds.maxBodyBytes) {
      this.tooLarge();
    } else {
      this.content.push(Buffer.from(buffer.subarray(start, end)));
    }
  }

  onResponseFlush(): boolean {
    return true;
  }

  onResponseEnd(): boolean {
    // The pool owns the connection again.
    this.link = null;
    this.settle();
    this.end();
    return true;
  }

  onUpstreamDrain(): void {}

  onUpstreamError(error: ProxyError): void {
    this.link = null;
    if (!this.mayRetry(error)) return this.fail(error);
    try {
      this.connect();
    } catch (thrown) {
      this.fail(ProxyError.from(thrown));
    }
  }

  // ── ends ─────────────────────────────────────────────────────────────────────────────────────────────────────

  private readonly onAbort = (): void => {
    this.fail(abortError(this.parts.bounds.signal as AbortSignal));
  };

  private onDeadline(): void {
    this.fail(new ProxyError('upstream_timeout', `no complete response within ${this.parts.bounds.timeout} ms`));
  }

  private tooLarge(): void {
    const { maxBodyBytes } = this.parts.bounds;
    this.fail(new ProxyError('response_too_large', `the body of the response is longer than ${maxBodyBytes} bytes`));
  }

  /** The caller gets the response. */
  private settle(): void {
    if (this.settled || this.response === null) return;
    this.settled = true;
    this.unlisten();
    this.resolve({ ...this.response, body: Buffer.concat(this.content) });
  }

  /** The caller gets the error, unless it has its response. */
  private fail(error: ProxyError): void {
    error.upstream ??= this.parts.peer.text;
    this.end();
    if (this.settled) return;
    this.settled = true;
    this.unlisten();
    this.reject(error);
  }

  /** Ends all waits. */
  private end(): void {
    if (this.over) return;
    this.over = true;
    const { dialing, link } = this;
    this.dialing = null;
    this.link = null;
    this.parts.pools.deadlines.remove(this.deadline);
    dialing?.cancel();
    link?.abort();
  }

  private unlisten(): void {
    this.parts.bounds.signal?.removeEventListener('abort', this.onAbort);
  }
}

function abortError(signal: AbortSignal): ProxyError {
  const reason: unknown = signal.reason;
  if (reason instanceof ProxyError) return reason;
  return new ProxyError('client_closed', 'the request was given up', { cause: reason });
}
