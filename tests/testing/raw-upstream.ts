import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';

import { RawClient } from './raw-client.ts';
import { eventually } from './wait.ts';

/** A request as it arrived, cut out of its connection by its own framing. */
export interface RawRequest {
  /** Request line and fields, the empty line included. */
  readonly head: string;
  /** What followed it, chunk framing and trailers included. */
  readonly body: string;
  /** The connection that it came on, counted from 0. */
  readonly connection: number;
  readonly peer: RawPeer;
}

/** Does something about a connection that prox has opened. */
export type ConnectionScript = (peer: RawPeer) => void | Promise<void>;

/** What an upstream sends for a request; null for nothing. */
export type Answer = string | ((request: RawRequest) => string | null | Promise<string | null>);

/** A connection that prox has opened to a raw upstream. */
export type RawPeer = RawClient;

/** An upstream that answers with bytes as they are: for what no HTTP server would send. */
export class RawUpstream {
  /** Connections since the last `reset`, in the order of opening. */
  peers: RawPeer[] = [];
  /** Complete requests since the last `reset`, those of `serve` alone. */
  requests: RawRequest[] = [];
  /** What a script has thrown. */
  private readonly failures: Error[] = [];
  private readonly server: Server;
  private script: ConnectionScript = () => {};

  private constructor(server: Server) {
    this.server = server;
    server.on('connection', (socket) => {
      const peer = RawClient.over(socket);
      this.peers.push(peer);
      Promise.resolve(this.script(peer)).catch((error: unknown) => {
        // A test that ends closes connections under the feet of its scripts.
        if (!peer.closed) this.failures.push(error instanceof Error ? error : new Error(String(error)));
      });
    });
  }

  /** Listens on a free port of the loopback interface, or on a unix socket. */
  static async start(path?: string): Promise<RawUpstream> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    if (path === undefined) server.listen(0, '127.0.0.1');
    else server.listen(path);
    await once(server, 'listening');
    return new RawUpstream(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** `127.0.0.1:port`. */
  get authority(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Runs a script for each new connection from now on. */
  onConnection(script: ConnectionScript): void {
    this.script = script;
  }

  /** Answers every request from now on, on connections opened from now on. */
  serve(answer: Answer): void {
    this.script = (peer) => this.serveOn(peer, answer);
  }

  /** Answers the first requests of each connection by one text each, in order. */
  serveInOrder(...answers: readonly string[]): void {
    let next = 0;
    this.serve(() => answers[next++] ?? null);
  }

  /** Waits until so many complete requests have come. */
  async received(count: number): Promise<readonly RawRequest[]> {
    await this.until(() => this.requests.length >= count, `${count} requests`);
    return this.requests;
  }

  /** Waits for a connection, counted from 0. */
  async peer(index = 0): Promise<RawPeer> {
    await this.until(() => this.peers.length > index, `connection ${index}`);
    return this.peers[index];
  }

  /** Connections that are open now. */
  get open(): number {
    return this.peers.filter((peer) => !peer.closed).length;
  }

  /** Waits until no connection is open. */
  async allClosed(): Promise<void> {
    await this.until(() => this.open === 0, 'every upstream connection to close');
  }

  /** Closes every connection, waits until prox has noticed, and forgets what was received. */
  async reset(): Promise<void> {
    for (const peer of this.peers) peer.end();
    await this.until(() => this.peers.every((peer) => peer.ended || peer.closed), 'prox to let go of its connections');
    await this.forget();
  }

  async stop(): Promise<void> {
    this.server.close();
    await this.forget();
  }

  /** Waits until the condition holds. @throws Error also what a script has thrown */
  async until(condition: () => boolean, what: string): Promise<void> {
    await eventually(what, () => {
      if (condition()) return true;
      if (this.failures.length > 0) throw this.failures[0];
      return false;
    });
  }

  private async forget(): Promise<void> {
    for (const peer of this.peers) peer.destroy();
    await this.allClosed();
    this.peers = [];
    this.requests = [];
    const [failure] = this.failures.splice(0);
    if (failure !== undefined) throw failure;
  }

  private async serveOn(peer: RawPeer, answer: Answer): Promise<void> {
    const connection = this.peers.indexOf(peer);
    let at = 0;
    for (;;) {
      await peer
        .until(() => peer.closed || peer.ended || requestEnd(peer.received, at) > 0, 'a request')
        .catch(() => {});
      const end = requestEnd(peer.received, at);
      if (end < 0) return;
      const behindHead = peer.received.indexOf('\r\n\r\n', at) + 4;
      const request = {
        head: peer.received.slice(at, behindHead),
        body: peer.received.slice(behindHead, end),
        connection,
        peer,
      };
      at = end;
      this.requests.push(request);
      const text = typeof answer === 'string' ? answer : await answer(request);
      if (text !== null && !peer.closed) peer.send(text);
    }
  }
}

/** Where the request that starts at a position ends; -1 while it is not complete. */
function requestEnd(text: string, start: number): number {
  const head = text.indexOf('\r\n\r\n', start);
  if (head < 0) return -1;
  const fields = text.slice(start, head + 2);
  const body = head + 4;
  if (/\r\ntransfer-encoding: chunked\r\n/i.test(fields)) {
    const last = /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(body));
    return last === null ? -1 : body + last.index + last[0].length;
  }
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(fields)?.[1] ?? 0);
  return text.length >= body + length ? body + length : -1;
}
