import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Answers a request, as node:http does. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A real upstream on node:http that counts what reaches it. */
export class TestUpstream {
  /** Requests, in the order of coming. */
  readonly requests: { readonly method: string; readonly url: string; readonly headers: IncomingMessage['headers'] }[] =
    [];
  /** Connections that were ever accepted. */
  connections = 0;
  readonly open = new Set<Socket>();
  private readonly server: Server;
  private readonly held: ServerResponse[] = [];
  private readonly waiting: (() => void)[] = [];

  private constructor(handler: Handler | null) {
    this.server = createServer((request, response) => {
      this.requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
      if (request.url?.startsWith('/hold') === true) {
        this.held.push(response);
        response.once('close', () => this.forget(response));
        for (const wake of this.waiting.splice(0)) wake();
      } else if (handler !== null) handler(request, response);
      else response.end('ok');
    });
    this.server.keepAliveTimeout = 60_000;
    this.server.on('connection', (socket) => {
      this.connections++;
      this.open.add(socket);
      socket.on('close', () => this.open.delete(socket));
    });
  }

  /** @param handler for all paths but those that begin with `/hold`; `ok` without one */
  static async start(handler: Handler | null = null): Promise<TestUpstream> {
    const upstream = new TestUpstream(handler);
    await new Promise<void>((resolve) => upstream.server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  /** The server beneath, for upgrades. */
  get http(): Server {
    return this.server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves when so many requests for `/hold…` wait for their answer. */
  async holds(count: number): Promise<void> {
    while (this.held.length < count) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Answers the request that was held first. */
  release(body = 'released'): void {
    const response = this.held.shift();
    if (response === undefined) throw new Error('no request is held');
    response.end(body);
  }

  private forget(response: ServerResponse): void {
    const index = this.held.indexOf(response);
    if (index >= 0) this.held.splice(index, 1);
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
