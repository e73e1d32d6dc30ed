import { once } from 'node:events';
import {
  createServer,
  createSecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type Settings,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

import { eventually } from './wait.ts';

/** Enough for tests that leave much unread: at its default of 10, node:http2 refuses streams then. */
const MEMORY_MB = 2000;

/** Answers a stream. */
export type StreamHandler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export interface Http2UpstreamOptions {
  readonly settings?: Settings;
  /** PEM, for TLS with ALPN h2. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Of a unix socket to listen on, instead of a port. */
  readonly path?: string;
}

/** A real HTTP/2 server that counts what reaches it. */
export class Http2Upstream {
  /** Requests since the last `reset`, in the order of coming. */
  requests: IncomingHttpHeaders[] = [];
  /** Sessions that were ever opened. */
  sessions: ServerHttp2Session[] = [];
  /** Streams that are open. */
  readonly open = new Set<ServerHttp2Stream>();
  /** Connections that are open. */
  readonly sockets = new Set<Socket>();
  /** Answers every stream. */
  handler: StreamHandler = answerOk;
  private readonly server: Http2Server;

  private constructor(server: Http2Server) {
    this.server = server;
    server.on('session', (session) => {
      this.sessions.push(session);
      // Tests break sessions on purpose.
      session.on('error', () => {});
    });
    server.on('stream', (stream, headers) => {
      this.requests.push(headers);
      this.open.add(stream);
      stream.on('close', () => this.open.delete(stream));
      // And streams.
      stream.on('error', () => {});
      this.handler(stream, headers);
    });
  }

  static async start(options: Http2UpstreamOptions = {}): Promise<Http2Upstream> {
    const settings = options.settings ?? {};
    const server =
      options.tls === undefined
        ? createServer({ settings, maxSessionMemory: MEMORY_MB })
        : createSecureServer({ settings, maxSessionMemory: MEMORY_MB, ...options.tls, ALPNProtocols: ['h2'] });
    const upstream = new Http2Upstream(server);
    server.on('connection', (socket: Socket) => {
      upstream.sockets.add(socket);
      socket.on('close', () => upstream.sockets.delete(socket));
    });
    if (options.path === undefined) server.listen(0, '127.0.0.1');
    else server.listen(options.path);
    await once(server, 'listening');
    return upstream;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:port`. */
  get authority(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The request that came last. */
  get last(): IncomingHttpHeaders {
    return this.requests.at(-1) ?? {};
  }

  /** Waits until so many requests have come. */
  async received(count: number): Promise<void> {
    await eventually(`${count} requests`, () => this.requests.length >= count);
  }

  /** Closes every session, and forgets what was received. */
  async reset(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    await eventually('every connection to close', () => this.sockets.size === 0);
    this.requests = [];
    this.sessions = [];
    this.handler = answerOk;
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

const answerOk: StreamHandler = (stream) => {
  stream.respond({ ':status': 200 });
  stream.end('ok');
};
