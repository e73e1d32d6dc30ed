import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { addAbortSignal } from 'node:stream';
import type { HeadLimits } from '../../http1/index.ts';
import { type Connection, HTTP2_OPTIONS, LINE_OVERHEAD_BYTES } from '../../transport/index.ts';
import type { Http2RequestHead } from '../upstream-link.ts';
import type { ClientSession, ClientSessionOwner, ClientStream, ClientStreamOwner } from './http2-port.ts';

/** Response heads up to so many times the limits are read whole, so that prox refuses them with a code of its own. */
const REFUSED_HEADS = 8;

/** What a session is opened with. */
export interface ClientSessionSettings {
  readonly headLimits: HeadLimits;
  readonly h2StreamWindow: number;
  readonly h2ConnectionWindow: number;
  /** Streams at once, as long as the upstream has not said how many it takes. */
  readonly maxStreams: number;
}

/** Speaks HTTP/2 with an upstream over a socket, which belongs to the session from then on. */
export function openNodeHttp2(
  socket: ReturnType<Connection['release']>,
  settings: ClientSessionSettings,
  owner: ClientSessionOwner,
): ClientSession {
  // Loaded by the first session, as it takes a part of the start that a daemon without HTTP/2 need not spend.
  const http2 = process.getBuiltinModule('node:http2');
  const maxHeaderListSize = headListBytes(settings.headLimits);
  const session = http2.connect('http://upstream', {
    createConnection: () => socket,
    // RFC 9113 §8.4: a proxy has no use for responses without a request.
    settings: { enablePush: false, initialWindowSize: settings.h2StreamWindow, maxHeaderListSize },
    // As many as fit: the size alone decides.
    maxHeaderListPairs: Math.ceil(maxHeaderListSize / LINE_OVERHEAD_BYTES),
    ...HTTP2_OPTIONS,
    peerMaxConcurrentStreams: settings.maxStreams,
  });
  session.on('connect', () => {
    // It is told of sessions that have gone meanwhile, too.
    if (session.destroyed) return;
    session.setLocalWindowSize(settings.h2ConnectionWindow);
    owner.sessionOnConnect();
  });
  session.on('remoteSettings', ({ maxConcurrentStreams }) => owner.sessionOnSettings(maxConcurrentStreams));
  session.on('goaway', (code, lastStreamId) => owner.sessionOnGoaway(code, lastStreamId));
  // What nghttp2 has ended, with a GOAWAY of its own; other errors are those of the socket.
  session.on('error', (error: NodeJS.ErrnoException) => owner.sessionOnError(error, error.code === 'ERR_HTTP2_ERROR'));
  session.on('close', () => owner.sessionOnClose());
  return new NodeClientSession(session);
}

function headListBytes({ maxHeaderBytes, maxHeaders }: HeadLimits): number {
  return REFUSED_HEADS * (maxHeaderBytes + LINE_OVERHEAD_BYTES * maxHeaders);
}

class NodeClientSession implements ClientSession {
  private readonly session: ClientHttp2Session;

  constructor(session: ClientHttp2Session) {
    this.session = session;
  }

  get closed(): boolean {
    return this.session.closed;
  }

  get destroyed(): boolean {
    return this.session.destroyed;
  }

  get takesExtendedConnect(): boolean {
    return this.session.remoteSettings.enableConnectProtocol === true;
  }

  request(head: Http2RequestHead, endStream: boolean, waitForTrailers: boolean): ClientStream {
    return new NodeClientStream(this.session.request(head, { endStream, waitForTrailers }));
  }

  settings(settings: { initialWindowSize?: number }, acknowledged?: (error: Error | null) => void): void {
    this.session.settings(settings, acknowledged);
  }

  ping(onAnswer: () => void): boolean {
    return this.session.ping(onAnswer);
  }

  destroy(): void {
    this.session.destroy();
  }
}

/** The adapter of a stream. All streams share the listeners below: nine closures for each would cost it more. */
const ADAPTER = Symbol('adapter');

interface AdaptedStream extends ClientHttp2Stream {
  [ADAPTER]: NodeClientStream;
}

/** What a stream is destroyed with to be reset with CANCEL. */
const ABORTED = AbortSignal.abort();

/** NGHTTP2_FLAG_END_STREAM (RFC 9113 §6.2). */
const END_STREAM = 0x1;

class NodeClientStream implements ClientStream {
  truncated = false;
  /** @internal Set by `attach`, before anything is told. */
  owner!: ClientStreamOwner;
  /** @internal The end of the response was pushed. */
  pushedEnd = false;
  private readonly stream: AdaptedStream;

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream as AdaptedStream;
    this.stream[ADAPTER] = this;
  }

  attach(owner: ClientStreamOwner): void {
    const { stream } = this;
    this.owner = owner;
    stream.on('headers', onHead);
    stream.on('response', onHead);
    stream.on('trailers', onTrailers);
    stream.on('end', onEnd);
    stream.on('drain', onDrain);
    stream.on('wantTrailers', onWantTrailers);
    stream.on('close', onClose);
    // What there is to know of it, `close` tells: it follows.
    stream.on('error', onError);
    stream.push = pushWatched;
  }

  get id(): number | undefined {
    return this.stream.id;
  }

  get resetCode(): number {
    return this.stream.rstCode ?? 0;
  }

  get writable(): boolean {
    return this.stream.writable;
  }

  get unsent(): number {
    return this.stream.writableLength;
  }

  get full(): boolean {
    return this.stream.writableNeedDrain;
  }

  write(content: Buffer, onWritten: () => void): void {
    this.stream.write(content, onWritten);
  }

  end(): void {
    this.stream.end();
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

  /** Not by `close`: that would end the request first, and what has come of it would look like all of it. */
  cancel(): void {
    if (this.stream.closed) this.stream.destroy();
    else addAbortSignal(ABORTED, this.stream);
  }
}

function onHead(this: AdaptedStream, headers: IncomingHttpHeaders, flags: number, pairs?: readonly string[]): void {
  this[ADAPTER].owner.streamOnHead(headers[':status'], pairs ?? [], (flags & END_STREAM) !== 0);
}

function onTrailers(this: AdaptedStream, _headers: unknown, _flags: number, pairs?: readonly string[]): void {
  this[ADAPTER].owner.streamOnTrailers(pairs ?? []);
}

function onData(this: AdaptedStream, content: Buffer): void {
  this[ADAPTER].owner.streamOnData(content);
}

function onEnd(this: AdaptedStream): void {
  this[ADAPTER].owner.streamOnEnd();
}

function onDrain(this: AdaptedStream): void {
  this[ADAPTER].owner.streamOnDrain();
}

function onWantTrailers(this: AdaptedStream): void {
  this.sendTrailers(this[ADAPTER].owner.streamWantsTrailers());
}

function onClose(this: AdaptedStream): void {
  this[ADAPTER].owner.streamOnClose();
}

function onError(): void {}

/**
 * Finds a stream that was closed before the upstream had ended its side. One that is reset with NO_ERROR (RFC 9113 §8.1)
 * emits `end` as if it were complete; the difference is that it is closed by the time its end is pushed.
 */
function pushWatched(this: AdaptedStream, chunk: unknown, encoding?: BufferEncoding): boolean {
  const adapter = this[ADAPTER];
  if (chunk === null && !adapter.pushedEnd) {
    adapter.pushedEnd = true;
    if (this.closed) adapter.truncated = true;
  }
  return Object.getPrototypeOf(this).push.call(this, chunk, encoding);
}
