import { type Deadline, type Deadlines, ProxyError, Roster } from '../../base/index.ts';
import type { HeadLimits } from '../../http1/index.ts';
import {
  type BreakageOwner,
  type Connection,
  Http2Breakage,
  Http2Windows,
  type UnreadStreams,
  type WindowSizes,
} from '../../transport/index.ts';
import { codeName, Http2Code } from './http2-errors.ts';
import { Http2Link, type LinkSession } from './http2-link.ts';
import type { ClientSession, ClientSessionOwner, ClientStream } from './http2-port.ts';
import { openNodeHttp2 } from './node-http2.ts';
import { retiresAt } from '../connection-age.ts';
import type { Http2RequestHead } from '../upstream-link.ts';

/** How sessions are kept alive, in milliseconds. */
export interface Http2SessionOptions extends WindowSizes {
  /** Time without bytes after which the upstream gets a PING; 0 = never. */
  readonly h2ReadIdleTimeout: number;
  /** How long the answer to a PING may take. */
  readonly h2PingTimeout: number;
  readonly headLimits: HeadLimits;
}

/** The owner of a session: its pool. */
export interface Http2SessionOwner {
  /** A stream is over: there is room, and perhaps no open stream. */
  onRoom(session: Http2Session): void;
  /** The session has ended with an error of one side, which that side has reported in a GOAWAY. */
  onFault(error: Error): void;
  /** The session accepts no more streams; its open streams continue. */
  onRetired(session: Http2Session): void;
  /** The session has no connection any more. */
  onSessionGone(session: Http2Session): void;
}

/** Called once, when the upstream speaks HTTP/2 or has failed to. */
export type Http2Ready = (error: ProxyError | null, session: Http2Session | null) => void;

/**
 * The most streams at a time, even if the upstream allows more, to limit the number of requests that one broken
 * connection affects.
 */
const MAX_STREAMS = 1000;

/** Requests on one session; a little under what stream identifiers suffice for (RFC 9113 §5.1.1). */
const MAX_REQUESTS = 2 ** 30 - 1;

/**
 * Number of consecutive refusals after which a session gets no more requests. A request is sent four times at most; the
 * last time, it goes to a new session.
 */
const MAX_REFUSALS = 3;

/** A connection to an upstream that speaks HTTP/2: many exchanges at once. */
export class Http2Session implements LinkSession, ClientSessionOwner, BreakageOwner, UnreadStreams {
  /** Streams that are open, or about to be. */
  active = 0;
  /** Writes of request bodies that are not over. */
  writes = 0;
  /** Requests that were refused since the last response head. */
  refusals = 0;
  /** The last-stream-id of the peer's GOAWAY: the peer has not processed streams above it (RFC 9113 §6.8). */
  lastStreamId = Number.MAX_SAFE_INTEGER;
  readonly deadlines: Deadlines;
  readonly headLimits: HeadLimits;
  /** As of its Connection. */
  readonly dialed: string;
  /** Why the session was lost; null if it was not, or if it closed in order. */
  error: Error | null = null;
  private readonly session: ClientSession;
  private readonly socket: ReturnType<Connection['release']>;
  private readonly owner: Http2SessionOwner;
  private readonly options: Http2SessionOptions;
  private readonly idleDeadline: Deadline;
  private readonly readDeadline: Deadline;
  private readonly windows: Http2Windows;
  /** Exchanges whose stream is open. */
  private readonly links = new Roster<Http2Link>();
  private ready: Http2Ready | null;
  private retired = false;
  private gone = false;
  private maxStreams = 0;
  private requests = 0;
  /** It takes no new stream after this time. */
  readonly retiresAt: number;
  private bytesSeen = 0;
  private pinging = false;
  /** Null if node:http2 itself reports the end of sessions, and before the session is connected. */
  private breakage: Http2Breakage | null = null;
  /** Identifiers of the last stream, and of the last one before the check of `breakage` that is under way. */
  private lastRequested = 0;
  private lastSent = 0;

  /**
   * Speaks HTTP/2 on a connection, with prior knowledge (RFC 9113 §3.3) or because ALPN chose it. The connection
   * belongs to the session from then on.
   * @param ready called when the upstream's SETTINGS have arrived, or have not arrived in time
   * @param milliseconds the time for them
   */
  constructor(
    connection: Connection,
    owner: Http2SessionOwner,
    options: Http2SessionOptions,
    deadlines: Deadlines,
    ready: Http2Ready,
    milliseconds: number,
  ) {
    this.owner = owner;
    this.options = options;
    this.headLimits = options.headLimits;
    this.deadlines = deadlines;
    this.retiresAt = retiresAt(deadlines);
    this.ready = ready;
    this.dialed = connection.dialed;
    this.socket = connection.release(null);
    // The session ends when the upstream ends its side: HTTP/2 has no half-closed connections.
    this.socket.allowHalfOpen = false;
    this.idleDeadline = deadlines.create(() => this.onIdleDeadline(milliseconds));
    this.readDeadline = deadlines.create(() => this.onReadDeadline());
    this.session = openNodeHttp2(this.socket, { ...options, maxStreams: MAX_STREAMS }, this);
    this.windows = new Http2Windows(this.session, deadlines, options, this);
    deadlines.set(this.idleDeadline, milliseconds);
  }

  /** Whether it accepts another stream. */
  get hasRoom(): boolean {
    const { session } = this;
    return !this.retired && this.active < this.maxStreams && !session.closed && !session.destroyed;
  }

  /** Whether its connection is closed. */
  get lost(): boolean {
    return this.session.destroyed;
  }

  /** The number of streams that it accepts at a time; at least 1. */
  get capacity(): number {
    return this.maxStreams;
  }

  /** Whether upgrades can be asked for (RFC 8441 §3). */
  get takesExtendedConnect(): boolean {
    return this.session.takesExtendedConnect;
  }

  /** @internal */
  get unreadBytes(): number {
    let bytes = 0;
    for (const link of this.links) bytes += link.unread;
    return bytes;
  }

  /** @internal */
  get anyStopped(): boolean {
    for (const link of this.links) if (link.stopped) return true;
    return false;
  }

  /** @internal Some stream is not read any more. */
  stopped(): void {
    this.windows.watch();
  }

  /** @internal */
  get writing(): boolean {
    return this.writes > 0;
  }

  /** Takes room for one exchange. */
  open(): Http2Link {
    this.active++;
    this.deadlines.clear(this.idleDeadline);
    const link = new Http2Link(this);
    this.links.add(link);
    return link;
  }

  /** @internal Sends a request head. @throws Error when the session does not take it any more */
  request(head: Http2RequestHead, endStream: boolean, waitForTrailers: boolean): ClientStream {
    this.requests++;
    if (this.requests >= MAX_REQUESTS) this.retire();
    if (this.breakage !== null && this.breakage.check()) this.lastSent = this.lastRequested;
    const stream = this.session.request(head, endStream, waitForTrailers);
    this.lastRequested = stream.id ?? this.lastRequested;
    return stream;
  }

  /** @internal A request was refused. A session that only refuses gets no more requests. */
  refused(): void {
    this.refusals++;
    if (this.refusals < MAX_REFUSALS || this.retired) return;
    this.owner.onFault(new Error(`the upstream has refused ${this.refusals} requests in a row`));
    this.retire();
  }

  /** @internal A stream is over, or was never begun. */
  released(link: Http2Link): void {
    this.active--;
    this.links.delete(link);
    if (this.gone) return;
    if (this.deadlines.now > this.retiresAt) this.retire();
    // A session that node:http2 has given up would otherwise keep its socket until the upstream has accepted
    // everything.
    if (this.session.destroyed || (this.retired && this.active === 0)) return this.destroy();
    this.owner.onRoom(this);
  }

  /** Milliseconds that the session is kept without a stream. */
  waitIdle(milliseconds: number): void {
    this.deadlines.set(this.idleDeadline, milliseconds);
  }

  /** Accepts no more streams, and closes after its open streams. */
  retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.owner.onRetired(this);
    if (this.active === 0) this.destroy();
  }

  /** Closes at once; streams that are open fail. */
  destroy(): void {
    this.retired = true;
    this.session.destroy();
    // node:http2 waits until its writes were accepted, which an upstream can delay forever.
    this.socket.destroy();
  }

  // ── ClientSessionOwner ───────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  sessionOnConnect(): void {
    this.breakage = Http2Breakage.watch(this.session, this.socket, this.deadlines, this);
  }

  /** @internal */
  sessionOnSettings(maxStreams: number | undefined): void {
    // RFC 9113 §5.1.2: without the setting there is no limit.
    this.maxStreams = Math.min(maxStreams ?? MAX_STREAMS, MAX_STREAMS);
    const { ready } = this;
    if (ready !== null && this.maxStreams === 0) {
      this.error = new Error('its SETTINGS allow no streams');
      return this.destroy();
    }
    if (ready === null) {
      if (this.hasRoom) this.owner.onRoom(this);
      return;
    }
    this.ready = null;
    this.deadlines.clear(this.idleDeadline);
    this.bytesSeen = this.socket.bytesRead;
    this.deadlines.set(this.readDeadline, this.options.h2ReadIdleTimeout);
    ready(null, this);
  }

  /** @internal */
  sessionOnError(error: Error, byProtocol: boolean): void {
    this.error = error;
    if (byProtocol && this.ready === null) this.owner.onFault(error);
  }

  /** @internal */
  sessionOnGoaway(code: number, lastStreamId: number): void {
    if (code !== Http2Code.noError) {
      this.owner.onFault(new Error(`the upstream has sent a GOAWAY with ${codeName(code)}`));
    }
    this.lastStreamId = Math.min(this.lastStreamId, lastStreamId);
    this.retire();
  }

  /**
   * @internal nghttp2 has ended the session because of what the upstream sent, and drops all further frames (RFC 9113
   * §5.4.1).
   */
  onBroken(unsent: boolean): void {
    this.error = new Error('the upstream sent a frame that ends the connection');
    this.owner.onFault(this.error);
    if (unsent) this.lastStreamId = Math.min(this.lastStreamId, this.lastSent);
    this.retire();
    this.destroy();
  }

  private onIdleDeadline(milliseconds: number): void {
    if (this.ready !== null) this.error = new Error(`no SETTINGS within ${milliseconds} ms`);
    this.destroy();
  }

  /** Called when nothing has arrived for the allowed time, to check whether the upstream is alive. */
  private onReadDeadline(): void {
    if (this.session.destroyed) return this.destroy();
    const { bytesRead } = this.socket;
    // A PING queues after everything that was sent before it; an upstream that accepts that slowly proves in another
    // way that it is alive.
    if (bytesRead !== this.bytesSeen) {
      this.bytesSeen = bytesRead;
      return this.deadlines.set(this.readDeadline, this.options.h2ReadIdleTimeout);
    }
    // gRPC servers treat a PING without an open stream as abuse. The next request will show whether the upstream is
    // alive.
    if (this.active === 0) return this.deadlines.set(this.readDeadline, this.options.h2ReadIdleTimeout);
    if (this.pinging) {
      this.error = new Error(`no answer to a PING within ${this.options.h2PingTimeout} ms`);
      return this.destroy();
    }
    this.pinging = this.session.ping(() => this.onPingAnswered());
    this.deadlines.set(this.readDeadline, this.options.h2PingTimeout);
  }

  private onPingAnswered(): void {
    this.pinging = false;
    if (this.gone) return;
    this.bytesSeen = this.socket.bytesRead;
    this.deadlines.set(this.readDeadline, this.options.h2ReadIdleTimeout);
  }

  /** @internal */
  sessionOnClose(): void {
    this.gone = true;
    this.retired = true;
    this.deadlines.remove(this.idleDeadline);
    this.deadlines.remove(this.readDeadline);
    this.windows.close();
    this.breakage?.close();
    this.owner.onSessionGone(this);
    const { ready } = this;
    this.ready = null;
    ready?.(this.notReady(), null);
  }

  private notReady(): ProxyError {
    const why = this.error?.message ?? 'it closed the connection';
    return new ProxyError('upstream_http2', `the upstream does not speak HTTP/2: ${why}`, {
      cause: this.error ?? undefined,
      retryable: true,
    });
  }
}
