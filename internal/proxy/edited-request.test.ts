import { createServer } from 'node:net';

import { describe, expect, it } from 'vitest';

import { EffectiveRequest } from '../exchange/index.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';
import { checkEditedRequest } from './edited-request.ts';
import { Forwarding } from './forwarding.ts';
import { routeTo } from './testing/route-to.ts';

type Edit = Partial<Pick<EffectiveRequest, 'method' | 'forwardPath' | 'query' | 'authority'>>;

function edited(edit: Edit): EffectiveRequest {
  return Object.assign(new EffectiveRequest(new MemoryExchange({})), edit);
}

describe('a request that filters have edited', () => {
  it.each<Edit>([
    {},
    { method: 'PATCH' },
    { forwardPath: '/a%20b/{c}|d', query: '?e=^f?g' },
    { forwardPath: '*' },
    { forwardPath: '', query: '' },
    { authority: '' },
    { authority: '[::1]:80' },
  ])('may hold %j', (edit) => {
    expect(() => checkEditedRequest(edited(edit))).not.toThrow();
  });

  it.each<Edit>([
    { method: '' },
    { method: 'GET /' },
    { method: 'GET\r\n' },
    { forwardPath: 'a' },
    { forwardPath: '/a b' },
    { forwardPath: '/a HTTP/1.1\r\nHost: b\r\n\r\nGET /' },
    { forwardPath: '/a\n' },
    { forwardPath: '/a?b' },
    { forwardPath: '/a#b' },
    { forwardPath: '/\xe4' },
    { query: 'a' },
    { query: '?a b' },
    { query: '?a\r\n' },
    { query: '?\u010d' },
    { authority: 'a b' },
    { authority: 'a\r\nX: y' },
    { authority: 'a/b' },
  ])('may not hold %j', (edit) => {
    expect(() => checkEditedRequest(edited(edit))).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('is not sent with a path that would make two requests of it', async () => {
    const exchange = new MemoryExchange({});
    exchange.editRequest().forwardPath = '/ HTTP/1.1\r\nHost: a\r\n\r\nGET /';
    let received = 0;
    const server = createServer((socket) => socket.on('data', (bytes) => (received += bytes.length)));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const forwarding = new Forwarding(exchange, routeTo(typeof address === 'object' ? (address?.port ?? 0) : 0));
    exchange.handler = forwarding;
    forwarding.start();
    await exchange.done;
    expect(exchange.events).toEqual(['fail internal']);
    await new Promise((resolve) => server.close(resolve));
    expect(received).toBe(0);
  });
});
