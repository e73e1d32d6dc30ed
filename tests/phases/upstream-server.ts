import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { eventually } from '../testing/wait.ts';

/** How an upstream or a client speaks. */
export type Protocol = 'http/1.1' | 'h2';

/** A request as the upstream got it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly authority: string;
  readonly fields: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
  trailers: Readonly<Record<string, string | undefined>>;
  /** The request was received as a whole. */
  complete: boolean;
  /** The request or its connection was given up by prox. */
  aborted: boolean;
}

/** What the server of node:http and the compatible one of node:http2 have in common. */
export type Answering = (response: ServerResponse, request: IncomingMessage, seen: SeenRequest) => void;

/** A server of either protocol that is scripted in the same words. */
export class UpstreamServer {
  readonly seen: SeenRequest[] = [];
  /** Answers each request, as soon as its head has come. */
  answer: Answering = (response) => response.end('hello');
  private readonly sockets = new Set<Socket>();
  private readonly server: http.Server | http2.Http2Server;

  private constructor(protocol: Protocol) {
    const listener = (request: IncomingMessage, response: ServerResponse): void => this.take(request, response);
    this.server =
      protocol === 'h2'
        ? http2.createServer(
            { settings: { enableConnectProtocol: true } },
            listener as unknown as Parameters<typeof http2.createServer>[1],
          )
        : http.createServer(listener);
    this.server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async start(protocol: Protocol): Promise<UpstreamServer> {
    const upstream = new UpstreamServer(protocol);
    upstream.server.listen(0, '127.0.0.1');
    await once(upstream.server, 'listening');
    return upstream;
  }

  /**
   * Takes upgrades from now on.
   * @param open gets the bytes behind the handshake, and its key; null where HTTP/2 has answered it already (RFC 8441 §5)
   */
  onUpgrade(open: (stream: Duplex, key: string | null) => void): void {
    this.server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
      socket.on('error', () => {});
      open(socket, String(request.headers['sec-websocket-key']));
    });
    this.server.on('stream', (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
      if (headers[':protocol'] === undefined) return;
      stream.on('error', () => {});
      stream.respond({ ':status': 200 });
      open(stream, null);
    });
    // Else node:http2 answers it too.
    this.server.on('connect', () => {});
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Waits for a request, counted from 0. */
  async request(index = 0): Promise<SeenRequest> {
    return eventually(`request ${index}`, () => this.seen[index]);
  }

  /** Forgets what was received. */
  reset(): void {
    this.seen.length = 0;
    this.answer = (response) => response.end('hello');
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    const seen: SeenRequest = {
      method: request.method ?? '',
      url: request.url ?? '',
      authority: String(request.headers[':authority'] ?? request.headers.host),
      fields: request.headers,
      body: '',
      trailers: {},
      complete: false,
      aborted: false,
    };
    this.seen.push(seen);
    request.setEncoding('latin1');
    request.on('data', (text: string) => (seen.body += text));
    request.on('end', () => {
      seen.trailers = request.trailers;
      seen.complete = true;
    });
    // Tests break requests and responses on purpose.
    request.on('error', () => {});
    response.on('error', () => {});
    const closed = (): void => void (seen.aborted = !response.writableEnded);
    // The compatible response of node:http2 does not tell of every reset.
    (streamOf(response) ?? response).on('close', closed);
    this.answer(response, request, seen);
  }
}

/** Ends a response in a way that the recipient can tell from its end. */
export function breakOff(response: ServerResponse): void {
  const stream = streamOf(response);
  if (stream === undefined) response.socket?.resetAndDestroy();
  else stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR);
}

/** The stream beneath a response of HTTP/2. */
function streamOf(response: ServerResponse): http2.ServerHttp2Stream | undefined {
  return (response as unknown as { stream?: http2.ServerHttp2Stream }).stream;
}
