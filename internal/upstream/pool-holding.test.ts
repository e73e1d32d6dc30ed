import { type AddressInfo, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Deadlines } from '../base/index.ts';
import { DEFAULT_HEAD_LIMITS } from '../http1/index.ts';
import { NO_BODY } from '../message/index.ts';
import { Resolver } from '../resolver/index.ts';
import { parsePeer } from './peer.ts';
import { type PoolOptions, Pools } from './pool.ts';
import type { ResponseHandler } from './response-handler.ts';
import type { UpstreamLink, UpstreamRequest } from './upstream-link.ts';

const OPTIONS: PoolOptions = {
  timeout: 10_000,
  tlsTimeout: 10_000,
  keepAlive: 0,
  readBufferSize: 1024,
  writeBufferSize: 1024,
  idleTimeout: 10_000,
  maxIdle: 10,
  maxIdlePerHost: 10,
  h2ReadIdleTimeout: 0,
  h2PingTimeout: 0,
  h2StreamWindow: 65_536,
  h2ConnectionWindow: 65_536,
  headLimits: DEFAULT_HEAD_LIMITS,
};
const NEEDS = { alone: false, tunnel: false, once: false, opening: null };
const request = { method: 'GET', framing: NO_BODY, last: false, http1Head: () => 'GET / HTTP/1.1\r\n\r\n' };

class KnownAddresses extends Resolver {
  addresses = ['127.0.0.1'];
  override lookup(): readonly string[] {
    return this.addresses;
  }
  override holding(): readonly string[] {
    return this.addresses;
  }
}

it('keeps the first connection to an address that a name got while it was not in use', async () => {
  const server = createServer((socket) => socket.on('data', () => socket.write('HTTP/1.1 204 No Content\r\n\r\n')));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const resolver = new KnownAddresses();
  const pools = new Pools(new Deadlines(), resolver);
  onTestFinished(() => {
    pools.retain(new Set());
    server.close();
  });
  const pool = pools.of(parsePeer(`up.test:${(server.address() as AddressInfo).port}`));
  const use = async (): Promise<void> => {
    const link = await new Promise<UpstreamLink>((resolve, reject) => {
      pool.open(OPTIONS, NEEDS, (error, found) => (found === null ? reject(error ?? new Error()) : resolve(found)));
    });
    await new Promise<void>((resolve, reject) => {
      const handler = {
        onResponse() {},
        onResponseFlush: () => true,
        onUpstreamError: reject,
        onResponseEnd: () => (resolve(), true),
      };
      link.send(request as UpstreamRequest, { responseHeader: 0, stall: 0 }, handler as unknown as ResponseHandler);
      link.flush();
    });
  };
  await use();
  pool.tidy();
  pool.closeOldest();
  pool.tidy();
  resolver.addresses = ['127.0.0.2'];
  await use();
  expect(pools.idle).toBe(1);
});
