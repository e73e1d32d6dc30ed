import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { describe, expect, it } from 'vitest';

import { Deadlines } from '../base/index.ts';
import { DEFAULT_HEAD_LIMITS } from '../http1/index.ts';
import { Resolver } from '../resolver/index.ts';
import { parsePeer, Pools } from '../upstream/index.ts';
import { KEEP_ALL } from '../message/index.ts';
import { ownedNames } from './owned-names.ts';
import { Forwarding } from './forwarding.ts';
import type { ProxyRoute } from './proxy-route.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';

/** A route to a port, of which anything may be replaced. */
function routeTo(port: number, parts: Partial<ProxyRoute>): ProxyRoute {
  const peer = parsePeer(`127.0.0.1:${port}`);
  return {
    pools: new Pools(new Deadlines(), new Resolver()),
    poolOptions: {
      timeout: 1000,
      tlsTimeout: 1000,
      keepAlive: 0,
      readBufferSize: 1024,
      writeBufferSize: 1024,
      idleTimeout: 1000,
      maxIdle: 1,
      maxIdlePerHost: 1,
      h2ReadIdleTimeout: 0,
      h2StreamWindow: 1_048_576,
      h2ConnectionWindow: 4_194_304,
      h2PingTimeout: 0,
      headLimits: DEFAULT_HEAD_LIMITS,
    },
    timeouts: { responseHeader: 1000, stall: 1000 },
    silentStartTimeouts: { responseHeader: 0, stall: 1000 },
    balancer: null,
    edits: {
      host: null,
      preserveHost: false,
      fields: [],
      owned: ownedNames([], true),
      replaced: KEEP_ALL,
      close: false,
    },
    fallback: null,
    stream: false,
    answersConnect: false,
    proxyProtocol: null,
    peerOf: () => peer,
    unreachable: () => {},
    ...parts,
  };
}

describe('a fault of prox after a dial costs its exchange alone', () => {
  const fault = (): never => {
    throw new Error('a fault');
  };

  it.each([true, false])('dial succeeds: %s', async (reachable) => {
    const server = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    if (!reachable) {
      server.close();
      await once(server, 'close');
    }
    const field = { name: 'X', value: { constant: null, render: fault } };
    const parts = reachable
      ? {
          edits: {
            host: null,
            preserveHost: false,
            fields: [field],
            owned: ownedNames(['x'], true),
            replaced: KEEP_ALL,
            close: false,
          },
        }
      : { fallback: { handle: fault } };
    const exchange = new MemoryExchange({});
    const forwarding = new Forwarding(exchange, routeTo(port, parts));
    exchange.handler = forwarding;
    forwarding.start();
    await exchange.done;
    expect(exchange.events).toEqual(['fail internal']);
    expect(exchange.error?.message).toBe('a fault');
    if (!reachable) return;
    // The connection that was dialed is closed again: the server can end.
    server.close();
    await once(server, 'close');
  });
});
