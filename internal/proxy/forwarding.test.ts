import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

import { describe, expect, it } from 'vitest';

import { KEEP_ALL } from '../message/index.ts';
import { ownedNames } from './owned-names.ts';
import { Forwarding } from './forwarding.ts';
import { routeTo } from './testing/route-to.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';

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
