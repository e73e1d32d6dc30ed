import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../base/index.ts';
import { DEFAULT_HEAD_LIMITS } from '../http1/index.ts';
import { NO_BODY } from '../message/index.ts';
import { Resolver } from '../resolver/index.ts';
import { parsePeer } from './peer.ts';
import { type LinkNeeds, type PeerPool, type PoolOptions, Pools } from './pool.ts';
import type { ResponseHandler } from './response-handler.ts';
import type { UpstreamLink, UpstreamRequest } from './upstream-link.ts';

const OPTIONS: PoolOptions = {
  timeout: 10_000,
  tlsTimeout: 10_000,
  keepAlive: 0,
  readBufferSize: 1024,
  writeBufferSize: 1024,
  idleTimeout: 10_000_000,
  maxIdle: 10,
  maxIdlePerHost: 10,
  h2ReadIdleTimeout: 0,
  h2PingTimeout: 0,
  h2StreamWindow: 65_536,
  h2ConnectionWindow: 65_536,
  headLimits: DEFAULT_HEAD_LIMITS,
};
const NEEDS: LinkNeeds = { alone: false, tunnel: false, once: false, opening: null };
const ONCE: LinkNeeds = { ...NEEDS, once: true };
const TIMEOUTS = { responseHeader: 0, stall: 0 };
const MINUTE = 60_000;

const request = { method: 'GET', framing: NO_BODY, last: false, http1Head: () => 'GET / HTTP/1.1\r\n\r\n' };

describe('the pool of an upstream of HTTP/1.1', () => {
  let server: Server;
  let pool: PeerPool;
  let deadlines: Deadlines;
  let clock = 0;
  /** Connections that the upstream has, in the order of opening. */
  let sockets: Socket[];

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.on('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    clock = 0;
    deadlines = new Deadlines(() => clock);
    pool = new Pools(deadlines, new Resolver()).of(parsePeer(`127.0.0.1:${(server.address() as AddressInfo).port}`));
  });
  afterEach(() => {
    pool.closeIdle();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  const pass = (milliseconds: number): void => {
    clock += milliseconds;
    deadlines.tick();
  };
  const open = (needs: LinkNeeds): Promise<UpstreamLink> =>
    new Promise((resolve, reject) => {
      pool.open(OPTIONS, needs, (error, link) =>
        link === null ? reject(error ?? new Error('nothing')) : resolve(link),
      );
    });
  /** Sends a request, and waits until its connection is idle again or closed. */
  const use = (link: UpstreamLink): Promise<void> =>
    new Promise((resolve, reject) => {
      const handler = {
        onResponse() {},
        onResponseFlush: () => true,
        onUpstreamError: reject,
        onResponseEnd: () => (resolve(), true),
      };
      link.send(request as UpstreamRequest, TIMEOUTS, handler as unknown as ResponseHandler);
      link.flush();
    });
  const take = (once: boolean): UpstreamLink | null => pool.take(OPTIONS, false, false, once);
  /** The upstream closes the connection that it got as the nth, when it has been idle for so long. */
  const closeAfter = async (nth: number, milliseconds: number): Promise<void> => {
    pass(milliseconds);
    sockets[nth].end();
    await new Promise((resolve) => sockets[nth].once('close', resolve));
  };

  it('gives a connection that was just used to every request', async () => {
    await use(await open(ONCE));
    expect(take(true)).not.toBeNull();
  });

  it('looks at one that has been idle for a while before it is used for what cannot be sent again', async () => {
    const first = await open(ONCE);
    await use(first);
    pass(1000);
    expect(take(true)).toBeNull();
    expect(await open(ONCE)).toBe(first);
    await use(first);
    pass(1000);
    expect(take(false)).toBe(first);
  });

  it('opens another when the look finds it closed', async () => {
    await use(await open(ONCE));
    pass(1000);
    const opening = open(ONCE);
    sockets[0].resetAndDestroy();
    await use(await opening);
    expect(sockets).toHaveLength(2);
  });

  it('uses no connection that the upstream may be about to close for what cannot be sent again', async () => {
    await use(await open(ONCE));
    await closeAfter(0, 5000);
    const second = await open(NEEDS);
    await use(second);
    pass(4000);
    expect(await open(ONCE)).toBe(second);
    await use(second);
    pass(4900);
    expect(await open(ONCE)).not.toBe(second);
    expect(take(false)).toBe(second);
  });

  it('learns, too, from a connection that was closed under a request', async () => {
    const first = await open(NEEDS);
    await use(first);
    pass(5000);
    const link = take(false) as UpstreamLink;
    sockets[0].removeAllListeners('data').on('data', () => sockets[0].destroy());
    await expect(use(link)).rejects.toMatchObject({ code: 'upstream_closed', retryable: true });
    const second = await open(NEEDS);
    await use(second);
    pass(4900);
    expect(await open(ONCE)).not.toBe(second);
  });

  it('closes a connection behind its exchange when it is older than some minutes', async () => {
    await use(await open(NEEDS));
    // It is never idle for long, and used for nine minutes in any case, eleven at most.
    for (let i = 0; i < 17; i++) {
      pass(MINUTE / 2);
      await use(take(false) as UpstreamLink);
    }
    for (let i = 0; i < 5; i++) {
      pass(MINUTE / 2);
      const link = take(false);
      if (link !== null) await use(link);
    }
    expect(take(false)).toBeNull();
    await vi.waitFor(() => expect(sockets[0].readableEnded || sockets[0].destroyed).toBe(true));
    expect(sockets).toHaveLength(1);
  });
});
