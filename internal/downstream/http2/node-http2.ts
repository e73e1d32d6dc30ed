import type { ServerHttp2Session, ServerHttp2Stream, ServerSessionOptions } from 'node:http2';
import type { ServiceLimits } from '../../config/index.ts';
import { type Connection, HTTP2_OPTIONS, LINE_OVERHEAD_BYTES } from '../../transport/index.ts';
import { MAX_STREAMS } from './http2-limits.ts';
import type { Http2Fields, ServerSession, ServerSessionOwner, ServerStream, ServerStreamOwner } from './http2-port.ts';

/** Pseudo-fields of a request, with that of RFC 8441. */
const PSEUDO_FIELDS = 5;

/** Limit of malformed and empty DATA frames of a connection. Some libraries send an empty one now and then. */
const MAX_INVALID_FRAMES = 1000;

/** Streams beyond MAX_STREAMS that are refused on a connection before it counts as an attack. */
const MAX_REJECTED_STREAMS = 1000;

/** The options of node:http2 for the limits of a service. */
export function sessionOptions(limits: ServiceLimits): ServerSessionOptions {
  const { maxHeaderBytes, maxHeaders } = limits;
  // Twice the accepted size: a head that is a little too large gets a 431, one that is far too large a RST_STREAM.
  const maxHeaderListSize = 2 * (maxHeaderBytes + LINE_OVERHEAD_BYTES * (maxHeaders + PSEUDO_FIELDS));
  return {
    ...HTTP2_OPTIONS,
    // As many pairs as fit into the size, so that too many fields get a 431 and no RST_STREAM.
    maxHeaderListPairs: Math.ceil(maxHeaderListSize / LINE_OVERHEAD_BYTES),
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
    settings: {
      enableConnectProtocol: true,
      enablePush: false,
      initialWindowSize: limits.h2StreamWindow,
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize,
    },
  };
}

/** Flag of a HEADERS frame: nothing follows it (RFC 9113 §6.2). */
const END_STREAM = 0x1;

/** Speaks HTTP/2 with a client over a socket. The session owns the socket from then on. */
export function serveNodeHttp2(
  socket: ReturnType<Connection['release']>,
  limits: ServiceLimits,
  owner: ServerSessionOwner,
): ServerSession {
  const { performServerHandshake } = process.getBuiltinModule('node:http2');
  const session = performServerHandshake(socket, sessionOptions(limits));
  session.on('stream', (stream, _headers, flags, pairs?: string[]) =>
    owner.sessionOnStream(new NodeServerStream(stream), pairs ?? [], (flags & END_STREAM) !== 0),
  );
  session.on('remoteSettings', () => owner.sessionOnSettings());
  session.on('ping', () => owner.sessionOnPing());
  session.on('goaway', (code) => owner.sessionOnGoaway(code));
  // ERR_HTTP2_ERROR comes from nghttp2, which has limits of its own for floods; other errors come from the socket.
  session.on('error', (error: NodeJS.ErrnoException) => owner.sessionOnError(error, error.code === 'ERR_HTTP2_ERROR'));
  session.on('close', () => owner.sessionOnClose());
  session.setLocalWindowSize(limits.h2ConnectionWindow);
  return new NodeServerSession(session);
}

class NodeServerSession implements ServerSession {
  private readonly session: ServerHttp2Session;

  constructor(session: ServerHttp2Session) {
    this.session = session;
  }

  get closed(): boolean {
    return this.session.closed;
  }

  get destroyed(): boolean {
    return this.session.destroyed;
  }

  get queuedFrames(): number {
    return this.session.state.outboundQueueSize ?? 0;
  }

  settings(settings: { initialWindowSize?: number }, acknowledged?: (error: Error | null) => void): void {
    this.session.settings(settings, acknowledged);
  }

  ping(onAnswer: () => void): boolean {
    return this.session.ping(onAnswer);
  }

  close(): void {
    this.session.close();
  }

  destroy(error: Error, code: number): void {
    this.session.destroy(error, code);
  }
}

/** The key of a stream's adapter. All streams share the listeners below, which saves seven closures for each. */
const ADAPTER = Symbol('adapter');

interface AdaptedStream extends ServerHttp2Stream {
  [ADAPTER]: NodeServerStream;
}

const LAST = { endStream: true };
const WAIT_FOR_TRAILERS = { waitForTrailers: true };

/** A stream of node:http2. */
export class NodeServerStream implements ServerStream {
  /** @internal Set by `attach`, before the first event. */
  owner!: ServerStreamOwner;
  private readonly stream: AdaptedStream;

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream as AdaptedStream;
    this.stream[ADAPTER] = this;
  }

  attach(owner: ServerStreamOwner, hasContent: boolean): void {
    const { stream } = this;
    this.owner = owner;
    stream.on('drain', onDrain);
    // node:http2 reports trailers when they come, even if the content before them was not read yet.
    if (hasContent) {
      stream.on('end', onEnd);
      stream.on('trailers', onTrailers);
    }
    stream.on('error', onError);
    stream.on('close', onClose);
  }

  get id(): number {
    return this.stream.id ?? 0;
  }

  get gone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  get resetCode(): number {
    return this.stream.rstCode ?? 0;
  }

  get headSent(): boolean {
    return this.stream.headersSent;
  }

  get unsent(): number {
    return this.stream.writableLength;
  }

  get full(): boolean {
    return this.stream.writableNeedDrain;
  }

  get ended(): boolean {
    return this.stream.writableEnded;
  }

  sendInterim(head: Http2Fields): void {
    this.stream.additionalHeaders(head);
  }

  sendHead(head: Http2Fields, last: boolean): void {
    if (last) this.stream.respond(head, LAST);
    else this.stream.respond(head);
  }

  sendHeadBeforeTrailers(head: Http2Fields): void {
    this.stream.on('wantTrailers', onWantTrailers);
    this.stream.respond(head, WAIT_FOR_TRAILERS);
  }

  write(content: Buffer): void {
    this.stream.write(content);
  }

  end(content: Buffer | null): void {
    if (content === null) this.stream.end();
    else this.stream.end(content);
  }

  get unread(): number {
    return this.stream.readableLength;
  }

  startReading(): void {
    this.stream.on('data', onData);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  close(code: number): void {
    if (!this.stream.destroyed) this.stream.close(code);
  }

  abort(error: Error): void {
    if (!this.stream.destroyed) this.stream.destroy(error);
  }
}

function onData(this: AdaptedStream, content: Buffer): void {
  this[ADAPTER].owner.streamOnData(content);
}

function onEnd(this: AdaptedStream): void {
  this[ADAPTER].owner.streamOnEnd();
}

function onTrailers(this: AdaptedStream, _headers: unknown, _flags: number, pairs?: string[]): void {
  this[ADAPTER].owner.streamOnTrailers(pairs ?? []);
}

function onDrain(this: AdaptedStream): void {
  this[ADAPTER].owner.streamOnDrain();
}

function onWantTrailers(this: AdaptedStream): void {
  const adapter = this[ADAPTER];
  if (!adapter.gone) this.sendTrailers(adapter.owner.streamWantsTrailers());
}

function onError(this: AdaptedStream, error: Error): void {
  this[ADAPTER].owner.streamOnError(error);
}

function onClose(this: AdaptedStream): void {
  this[ADAPTER].owner.streamOnClose();
}
