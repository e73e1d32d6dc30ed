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

/** How sessions are kept. Milliseconds. */
export interface Http2SessionOptions extends WindowSizes {
  /** Silence after which the upstream is asked whether it still lives; 0 never asks. */
  readonly h2ReadIdleTimeout: number;
  /** How long it may take to answer. */
  readonly h2PingTimeout: number;
  readonly headLimits: HeadLimits;
}

/** What a session tells its pool. */
export interface Http2SessionOwner {
  /** A stream is over: there is room, and perhaps no stream at all any more. */
  onRoom(session: Http2Session): void;
  /** The session has ended with an error of one of the sides, which a GOAWAY has told the other. */
  onFault(error: Error): void;
  /** The session takes no stream any more; those that it has go on. */
  onRetired(session: Http2Session): void;
  /** The session has no connection any more. */
  onSessionGone(session: Http2Session): void;
}

/** Told once whether the upstream has begun to speak HTTP/2. */
export type Http2Ready = (error: ProxyError | null, session: Http2Session | null) => void;

/** Streams at once, whatever the upstream would allow: what is lost with one connection has a bound. */
const MAX_STREAMS = 1000;

/** Requests on one session; a little under what stream identifiers suffice for (RFC 9113 §5.1.1). */
const MAX_REQUESTS = 2 ** 30 - 1;

/**
 * Requests refused in a row after which a session gets no more. A request is sent four times at most: the last time, it goes
 * to a new session.
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
  /** The peer's last-stream-id of a GOAWAY: streams above it were not looked at (RFC 9113 §6.8). */
  lastStreamId = Number.MAX_SAFE_INTEGER;
  readonly deadlines: Deadlines;
  readonly headLimits: HeadLimits;
  /** As of its Connection. */
  readonly dialed: string;
  /** Why the session was lost; null while it was not, or when it simply closed. */
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
  /** Null where node:http2 tells of what it finds, and before the session is connected. */
  private breakage: Http2Breakage | null = null;
  /** Identifiers of the last stream, and of the last one before the check of `breakage` that is under way. */
  private lastRequested = 0;
  private lastSent = 0;

  /**
   * Speaks HTTP/2 on a connection, with prior knowledge (RFC 9113 §3.3) or because ALPN said so. It belongs to the
   * session from then on.
   * @param ready told when the upstream's SETTINGS have come, or that they have not
   * @param milliseconds for that
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
    // The session ends with the upstream's side: HTTP/2 knows no half-closed connections.
    this.socket.allowHalfOpen = false;
    this.idleDeadline = deadlines.create(() => this.onIdleDeadline(milliseconds));
    this.readDeadline = deadlines.create(() => this.onReadDeadline());
    this.session = openNodeHttp2(this.socket, { ...options, maxStreams: MAX_STREAMS }, this);
    this.windows = new Http2Windows(this.session, deadlines, options, this);
    deadlines.set(this.idleDeadline, milliseconds);
  }

  /** Whether it can take a stream. */
  get hasRoom(): boolean {
    const { session } = this;
    return !this.retired && this.active < this.maxStreams && !session.closed && !session.destroyed;
  }

  /** It has no connection any more. */
  get lost(): boolean {
    return this.session.destroyed;
  }

  /** Streams that it takes at once; at least 1. */
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

  /** @internal A request was refused: a session that does nothing else is not worth another. */
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
    // One that node:http2 has given up would wait with its socket until the upstream has taken everything.
    if (this.session.destroyed || (this.retired && this.active === 0)) return this.destroy();
    this.owner.onRoom(this);
  }

  /** Milliseconds that the session is kept without a stream. */
  waitIdle(milliseconds: number): void {
    this.deadlines.set(this.idleDeadline, milliseconds);
  }

  /** Takes no stream any more, and closes behind those that it has. */
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
    // node:http2 waits until what it has written was taken, which an upstream can put off for ever.
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
      this.error = new Error('it allows no streams');
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

  /** @internal nghttp2 has ended the session for what the upstream sent, and drops what it is given (RFC 9113 §5.4.1). */
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

  /** Nothing came for as long as it may: is the upstream still there? */
  private onReadDeadline(): void {
    if (this.session.destroyed) return this.destroy();
    const { bytesRead } = this.socket;
    // A PING stands behind all that was sent before it: an upstream that takes it slowly shows its life otherwise.
    if (bytesRead !== this.bytesSeen) {
      this.bytesSeen = bytesRead;
      return this.deadlines.set(this.readDeadline, this.options.h2ReadIdleTimeout);
    }
    // Servers of gRPC take a PING without a stream for abuse; a request finds out as well whether they live.
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
