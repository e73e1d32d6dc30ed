import { createServer as createHttp2Server, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { expect, vi } from 'vitest';
import { makePair } from '../../../tests/testing/certificates.ts';
import { Deadlines, ProxyError } from '../../base/index.ts';
import { DEFAULT_HEAD_LIMITS } from '../../http1/index.ts';
import { Fields } from '../../message/index.ts';
import { Resolver } from '../../resolver/index.ts';
import { descriptors } from '../../transport/index.ts';
import type { OwnRequest } from '../own-request.ts';
import { parsePeer, type Peer } from '../peer.ts';
import { type PoolOptions, Pools } from '../pool.ts';
import { type CallBounds, type OwnResponse, UpstreamClient } from '../upstream-client.ts';

const OPTIONS: PoolOptions = {
  timeout: 10_000,
  tlsTimeout: 10_000,
  keepAlive: 0,
  readBufferSize: 4096,
  writeBufferSize: 4096,
  idleTimeout: 60_000,
  maxIdle: 10,
  maxIdlePerHost: 10,
  h2ReadIdleTimeout: 0,
  h2PingTimeout: 0,
  h2StreamWindow: 65_536,
  h2ConnectionWindow: 65_536,
  headLimits: DEFAULT_HEAD_LIMITS,
};
const BOUNDS: CallBounds = { timeout: 10_000, maxBodyBytes: 100_000 };
const GET: OwnRequest = { method: 'GET', target: '/', fields: new Fields() };

const cleanup: (() => void)[] = [];
/** Ends what a test has begun. After it, no connection of the client is left. */
export async function cleanUp(): Promise<void> {
  for (const step of cleanup.splice(0).toReversed()) step();
  await vi.waitFor(() => expect(descriptors.dialed).toBe(0));
}

/** An upstream of HTTP/1.1 that says what a test says. */
export class RawServer {
  readonly sockets: Socket[] = [];
  /** What came on all connections. */
  received = '';
  peer!: Peer;
  private server!: Server;

  static async start(onRequest: (socket: Socket, count: number) => void, tls = false): Promise<RawServer> {
    const raw = new RawServer();
    let requests = 0;
    const accept = (socket: Socket): void => {
      raw.sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        raw.received += chunk.toString('latin1');
        onRequest(socket, ++requests);
      });
    };
    const server: Server = tls
      ? createTlsServer({ ...makePair(), ALPNProtocols: ['http/1.1'] }, accept)
      : createServer(accept);
    raw.server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    raw.peer = tls ? parsePeer(`https://${authority}`, INSECURE) : parsePeer(authority);
    cleanup.push(() => raw.stop());
    return raw;
  }

  /** Accepts no more, and closes what there is. */
  stop(): void {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  /** Connections that are open. */
  get open(): number {
    return this.sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
  }
}

/** Takes any certificate. */
export const INSECURE = { serverName: null, ca: null, insecure: true, cert: null, key: null };

/** An upstream of HTTP/2 without TLS. */
export async function http2Server(
  onStream: (stream: ServerHttp2Stream, headers: Record<string, unknown>) => void,
): Promise<{
  readonly peer: Peer;
  readonly server: Http2Server;
}> {
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    onStream(stream, headers);
  });
  server.on('session', (session) => cleanup.push(() => session.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  return { server, peer: parsePeer(`127.0.0.1:${(server.address() as AddressInfo).port}`, null, 'h2') };
}

/** See `bench`. */
export interface Bench {
  readonly pools: Pools;
  readonly deadlines: Deadlines;
  send(peer: Peer, request?: Partial<OwnRequest>, bounds?: Partial<CallBounds>): Promise<OwnResponse>;
}

/** A client with pools of its own, which hold nothing after `cleanUp`. */
export function bench(): Bench {
  const deadlines = new Deadlines();
  const pools = new Pools(deadlines, new Resolver());
  cleanup.push(() => pools.retain(new Set()));
  return {
    pools,
    deadlines,
    send: (peer, request, bounds) =>
      new UpstreamClient(pools, peer, OPTIONS).send({ ...GET, ...request }, { ...BOUNDS, ...bounds }),
  };
}

/** The code that a call fails with, or `answered`. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'answered',
    (error: unknown) => (error instanceof ProxyError ? error.code : String(error)),
  );
}
