import { type Deadline, ProxyError, Roster } from '../../base/index.ts';
import type { ConnectionSpeed, RouteSpeed } from '../../exchange/index.ts';
import {
  type BreakageOwner,
  type ClientCertificate,
  type Connection,
  Http2Breakage,
  Http2Windows,
  type UnreadStreams,
} from '../../transport/index.ts';
import { DRAINING_START_MS, LINGER_MS } from '../client-bounds.ts';
import type { DrainableSession, SessionSlot } from '../session-host.ts';
import { Rate } from './event-rate.ts';
import { type Http2Client, Http2Exchange, Http2StreamMemory } from './http2-exchange.ts';
import { ErrorCode, MAX_PINGS_PER_SECOND, MAX_RESETS_PER_SECOND, MAX_SETTINGS_PER_SECOND } from './http2-limits.ts';
import { Http2Pings } from './http2-pings.ts';
import { Http2Stalls } from './http2-stalls.ts';
import { startExchange } from './http2-start.ts';
import type { ServerSession, ServerSessionOwner, ServerStream } from './http2-port.ts';
import { serveNodeHttp2 } from './node-http2.ts';

/**
 * The state of a session, which decides about its deadline:
 *
 *     opening ──SETTINGS──> open ──drain, idle, GOAWAY of the client──> closing ──last stream──> lingering
 *
 * `open` has a deadline only while no stream is open, or while it is `leaving`, `closing` none: streams have their own.
 */
const Phase = { opening: 0, open: 1, closing: 2 } as const;
type Phase = (typeof Phase)[keyof typeof Phase];

/** Serves a client connection with HTTP/2: many exchanges at once. */
export class Http2Session implements DrainableSession, Http2Client, ServerSessionOwner, BreakageOwner, UnreadStreams {
  place = -1;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly secure: boolean;
  readonly certificate: ClientCertificate | null;
  private readonly session: ServerSession;
  private readonly socket: ReturnType<Connection['release']>;
  private readonly slot: SessionSlot;
  private readonly deadline: Deadline;
  private readonly stalls: Http2Stalls;
  private readonly pings: Http2Pings;
  readonly windows: Http2Windows;
  /** Null for a version of node:http2 that reports errors of the connection itself. */
  private readonly breakage: Http2Breakage | null;
  /** Exchanges whose stream is open, those that are over included. */
  private readonly open = new Roster<Http2Exchange>();
  /** Memory of closed streams, for new ones. */
  private readonly spare: Http2StreamMemory[] = [];
  private readonly speeds = new WeakMap<RouteSpeed, ConnectionSpeed>();
  private readonly resets = new Rate(MAX_RESETS_PER_SECOND);
  private readonly pinged = new Rate(MAX_PINGS_PER_SECOND);
  private readonly settings = new Rate(MAX_SETTINGS_PER_SECOND);
  /** The socket's bytesWritten when a stream last closed with unsent bytes: a write of them may still be under way. */
  private abandonedAt = -1;
  private phase: Phase = Phase.opening;
  /** Bytes of content of all streams. */
  private contentBytes = 0;
  /** Some stream has come. */
  private used = false;
  /** The session closes when its deadline passes, even if streams are open then. */
  private leaving = false;
  /** The reason for streams that end with the session. */
  private reason: ProxyError | null = null;

  /**
   * Serves a connection that speaks HTTP/2. The session owns it from then on.
   * @param unread bytes of the connection that were already read
   */
  static serve(connection: Connection, unread: Buffer | null, slot: SessionSlot): void {
    const session = new Http2Session(connection, unread, slot);
    slot.sessions.add(session);
    if (slot.draining) session.drain();
  }

  private constructor(connection: Connection, unread: Buffer | null, slot: SessionSlot) {
    this.slot = slot;
    this.clientAddress = connection.remoteAddress;
    this.clientPort = connection.remotePort;
    this.localAddress = connection.localAddress;
    this.localPort = connection.localPort;
    this.secure = connection.tls !== null;
    this.certificate = connection.tls?.client ?? null;
    const { limits } = slot.current;
    const { deadlines } = slot;
    this.deadline = deadlines.create(() => this.onDeadline());
    this.socket = connection.release(unread);
    // HTTP/2 has no half-closed connections: a client that ends its side is gone.
    this.socket.allowHalfOpen = false;
    this.session = serveNodeHttp2(this.socket, limits, this);
    this.stalls = new Http2Stalls(
      deadlines,
      () => this.bytesOfStreams,
      () => this.look(),
    );
    this.pings = new Http2Pings(deadlines, this.session, limits, this);
    this.windows = new Http2Windows(this.session, deadlines, limits, this);
    this.breakage = Http2Breakage.watch(this.session, this.socket, deadlines, this);
    deadlines.set(this.deadline, limits.headerTimeout);
  }

  /**
   * RFC 9113 §6.8 recommends a first GOAWAY that still accepts streams on their way, and a second one with the last stream. But
   * nghttp2 accepts no stream after a GOAWAY. So prox sends one, and clients send the requests again that it does not cover.
   * Few clients do that on a connection that they have just opened, so prox waits for its first streams.
   */
  drain(): void {
    if (this.phase === Phase.closing) return;
    if (this.used) return this.close();
    this.leaving = true;
    this.slot.deadlines.set(this.deadline, DRAINING_START_MS);
  }

  kill(error: ProxyError): void {
    this.end(error, ErrorCode.noError);
    this.socket.destroy();
  }

  /** @internal */
  speedOf(route: RouteSpeed): ConnectionSpeed {
    let speed = this.speeds.get(route);
    if (speed === undefined) {
      speed = route.forConnection();
      this.speeds.set(route, speed);
    }
    return speed;
  }

  /** @internal */
  contentReceived(bytes: number): void {
    this.pings.heard = true;
    this.contentBytes += bytes;
  }

  /**
   * A number that grows with bytes sent for streams, and not with the answers to PING and SETTINGS of the client: an answer
   * is no longer than the frame that it answers.
   */
  private get bytesOfStreams(): number {
    const { bytesRead, bytesWritten } = this.socket;
    return bytesWritten - (bytesRead - this.contentBytes);
  }

  /** @internal */
  queuedFrames(): number {
    return this.session.queuedFrames;
  }

  /** @internal Whether some stream has bytes that the client has not taken, and stall_timeout applies to them. */
  get outputPending(): boolean {
    for (const { output, service } of this.open) if (output.pending > 0 && service.limits.stallTimeout > 0) return true;
    return false;
  }

  /** @internal */
  get unreadBytes(): number {
    let bytes = 0;
    for (const { body } of this.open) bytes += body.unread;
    return bytes;
  }

  /** @internal */
  get anyStopped(): boolean {
    for (const { body } of this.open) if (body.stopped) return true;
    return false;
  }

  /** @internal */
  shed(bytes: number): void {
    let left = bytes;
    for (const { body, stream } of this.open.snapshot().sort((a, b) => b.stream.id - a.stream.id)) {
      if (left <= 0) return;
      left -= body.unread;
      if (body.unread > 0) stream.close(ErrorCode.enhanceYourCalm);
    }
  }

  /** @internal */
  get writing(): boolean {
    if (this.socket.bytesWritten === this.abandonedAt) return true;
    for (const { output } of this.open) if (output.pending > 0) return true;
    return false;
  }

  // ── ServerSessionOwner ───────────────────────────────────────────────────────────────────────────────────────

  /** @internal */
  sessionOnStream(stream: ServerStream, pairs: readonly string[], ended: boolean): void {
    const service = this.slot.current;
    const memory = this.spare.pop() ?? new Http2StreamMemory();
    const exchange = new Http2Exchange(stream, this, service, ended, memory);
    this.open.add(exchange);
    this.used = true;
    this.pings.heard = true;
    if (!exchange.body.complete) this.windows.watch();
    if (!this.leaving) this.slot.deadlines.clear(this.deadline);
    this.stalls.watch(service.limits.stallTimeout);
    service.exchangeBegan();
    exchange.guard(() => startExchange(exchange, pairs, this.slot.deadlines));
  }

  /** @internal */
  streamOnClose(exchange: Http2Exchange): void {
    // A client may reset with NO_ERROR, too: then the exchange is not over.
    const cut = exchange.stream.resetCode !== ErrorCode.noError || !(exchange.over || exchange.tunnel);
    exchange.guard(() => exchange.streamClosed(this.reason));
    this.open.delete(exchange);
    if (exchange.stream.unsent > 0) this.abandonedAt = this.socket.bytesWritten;
    exchange.memory.requestFields.reset();
    this.spare.push(exchange.memory);
    this.stalls.forget(exchange);
    // A failure of the upstream is not the client's fault.
    const clients = exchange.error === null || exchange.error.source === 'client';
    if (cut && clients && this.resets.exceeded()) this.calm('streams that were reset');
    if (this.open.size === 0) this.rest();
  }

  /** No stream is open. */
  private rest(): void {
    const { deadlines, current } = this.slot;
    if (this.phase === Phase.closing || this.ended) deadlines.set(this.deadline, LINGER_MS);
    else if (!this.leaving) deadlines.set(this.deadline, current.limits.idleTimeout);
  }

  /** Whether node:http2 accepts no streams any more. It sets `closed` after a close, but not after a failure. */
  private get ended(): boolean {
    return this.session.closed || this.session.destroyed;
  }

  /** @internal */
  sessionOnSettings(): void {
    if (this.settings.exceeded()) return this.calm('SETTINGS frames');
    if (this.phase !== Phase.opening) return;
    this.phase = Phase.open;
    if (this.open.size === 0) this.rest();
  }

  /** @internal */
  sessionOnPing(): void {
    if (this.pinged.exceeded()) this.calm('PING frames');
  }

  /** @internal The client opens no more streams; the session closes behind those that are open. */
  sessionOnGoaway(code: number): void {
    if (code !== ErrorCode.noError) {
      const error = new ProxyError('h2_goaway', `the client has sent a GOAWAY with code ${code}`);
      this.slot.current.connectionRefused(this.clientAddress, error);
    }
    this.phase = Phase.closing;
    if (this.open.size === 0) this.rest();
  }

  /** @internal */
  sessionOnError(error: Error, byProtocol: boolean): void {
    if (this.reason !== null) return;
    this.reason = new ProxyError('h2_broken', error.message, { cause: error });
    if (byProtocol) this.slot.current.connectionRefused(this.clientAddress, this.reason);
  }

  /** @internal */
  sessionOnClose(): void {
    const { deadlines } = this.slot;
    deadlines.remove(this.deadline);
    this.stalls.close();
    this.pings.close();
    this.windows.close();
    this.breakage?.close();
    this.slot.sessionEnded(this);
  }

  private onDeadline(): void {
    this.leaving = false;
    if (this.phase === Phase.opening) return this.kill(new ProxyError('head_timeout', 'no SETTINGS came'));
    // The session has ended, but its socket does not close, perhaps because the client does not take the last frames.
    if (this.ended && this.open.size === 0) return this.kill(new ProxyError('client_stalled', 'no close came'));
    this.close();
  }

  /** Accepts no more streams, and ends after the open ones. */
  private close(): void {
    this.phase = Phase.closing;
    this.session.close();
    if (this.open.size === 0) this.rest();
  }

  /** The client sends far more frames than a normal one: ends the session. */
  private calm(what: string): void {
    this.giveUp(new ProxyError('h2_flood', `too many ${what} in a second`), ErrorCode.enhanceYourCalm);
  }

  /** @internal nghttp2 has ended the session for an error of the client; its GOAWAY has left. */
  onBroken(): void {
    this.giveUp(new ProxyError('h2_broken', 'the client sent a frame that is an error'), ErrorCode.protocolError);
  }

  /** Gives the client up, with some time for it to read the GOAWAY. */
  private giveUp(error: ProxyError, code: number): void {
    if (this.session.destroyed) return;
    this.slot.current.connectionRefused(this.clientAddress, error);
    this.end(error, code);
    this.slot.deadlines.set(this.deadline, LINGER_MS);
  }

  private end(error: ProxyError, code: number): void {
    this.reason ??= error;
    this.phase = Phase.closing;
    for (const exchange of this.open.snapshot()) exchange.guard(() => exchange.abort(error));
    this.session.destroy(error, code);
  }

  private look(): void {
    const now = performance.now();
    const { stalls } = this;
    stalls.begin(now);
    for (const exchange of this.open.snapshot()) {
      const { stallTimeout } = exchange.service.limits;
      if (stalls.look(exchange, stallTimeout, now)) exchange.guard(() => exchange.stalled());
    }
    if (this.open.size > 0) stalls.watch(this.slot.current.limits.stallTimeout);
  }
}
