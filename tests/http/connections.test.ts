import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { head, Proxied, response, undated } from '../testing/proxied.ts';
import type { RawClient } from '../testing/raw-client.ts';

let proxied: Proxied;
beforeAll(async () => {
  proxied = await Proxied.start({
    routes: [{ match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'static' } } }],
  });
});
afterEach(() => proxied.reset());
afterAll(() => proxied.stop());

const HOST = 'Host: a.test';
const get = (path: string): string => head(`GET ${path} HTTP/1.1`, HOST);
const closing = (text: string): string => text.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
const pathOf = (request: string): string => request.split(' ')[1] ?? '';

describe('connections of clients', () => {
  it('go on after a response', async () => {
    proxied.upstream.serve(({ head: request }) => response(`[${pathOf(request)}]`));
    const client = await proxied.connect();
    for (let i = 0; i < 10; i++) {
      client.send(get(`/${i}`));
      await client.sees(`[/${i}]`);
    }
    expect(client.received.match(/HTTP\/1\.1 200/g)?.length).toBe(10);
    expect(client.received).not.toMatch(/^Connection:/m);
    client.destroy();
  });

  it('end after Connection: close', async () => {
    const { received } = await proxied.exchange(head('GET / HTTP/1.1', HOST, 'Connection: close'), response('ok'));
    expect(undated(received)).toBe(closing(response('ok')));
  });

  it('of HTTP/1.0 end after a response', async () => {
    const { received, request } = await proxied.exchange(head('GET / HTTP/1.0', HOST), response('ok'));
    expect(undated(received)).toBe(closing(response('ok')));
    expect(request).toMatch(/^GET \/ HTTP\/1\.1\r\n/);
    expect(request).toContain('\r\nVia: 1.0 prox\r\n');
  });

  it('of HTTP/1.0 go on with keep-alive', async () => {
    proxied.upstream.serve(response('ok'));
    const client = await proxied.connect();
    const answer = response('ok').replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n');
    const request = head('GET / HTTP/1.0', HOST, 'Connection: keep-alive');
    client.send(request);
    await client.sees('ok');
    client.send(request);
    await client.until(() => client.received.split('ok').length === 3);
    expect(undated(client.received)).toBe(answer + answer);
    client.destroy();
  });

  it.each(['keep-alive', 'close'])('of HTTP/1.0 (%s) get a chunked body up to the close', async (option) => {
    const answer = `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}3\r\none\r\n3\r\ntwo\r\n0\r\nA: b\r\n\r\n`;
    const { received } = await proxied.exchange(head('GET / HTTP/1.0', HOST, `Connection: ${option}`), answer);
    expect(undated(received)).toBe(`${head('HTTP/1.1 200 OK', 'Connection: close')}onetwo`);
  });

  it('of HTTP/1.0 without Host are served', async () => {
    const { received, request } = await proxied.exchange(head('GET / HTTP/1.0'), response('ok'));
    expect(undated(received)).toBe(closing(response('ok')));
    expect(request).not.toContain('X-Forwarded-Host');
  });
});

describe('connections to upstreams', () => {
  it('are reused by other clients', async () => {
    proxied.upstream.serve(response('ok'));
    for (let i = 0; i < 5; i++) {
      const client = await proxied.connect();
      client.send(get('/'));
      await client.sees('ok');
      client.destroy();
    }
    expect(proxied.upstream.requests.length).toBe(5);
    expect(proxied.upstream.peers.length).toBe(1);
  });

  it('are as many as there are requests at a time, and the one used last is used first', async () => {
    proxied.upstream.serve(() => null);
    const clients: RawClient[] = [];
    for (let i = 0; i < 3; i++) {
      const client = await proxied.connect();
      clients.push(client);
      client.send(get(`/${i}`));
      await proxied.upstream.received(i + 1);
    }
    expect(proxied.upstream.peers.length).toBe(3);
    for (const last of [2, 0, 1]) {
      proxied.upstream.peers[last].send(response('ok'));
      await clients[last].sees('ok');
    }
    clients[0].send(get('/next'));
    const requests = await proxied.upstream.received(4);
    expect(requests[3]?.connection).toBe(1);
    requests[3]?.peer.send(response('ok'));
    await clients[0].until(() => clients[0].received.split('ok').length === 3);
    for (const client of clients) client.destroy();
  });

  it.each([
    ['Connection: close', closing(response('ok'))],
    ['HTTP/1.0', response('ok', 'HTTP/1.0 200 OK')],
    ['bytes behind the response', `${response('ok')}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`],
  ])('are not reused after %s', async (_, answer) => {
    proxied.upstream.serve(answer);
    const client = await proxied.connect();
    for (let i = 0; i < 2; i++) {
      client.send(get('/'));
      await client.until(() => client.received.split('ok').length === i + 2);
    }
    expect(undated(client.received)).toBe(response('ok') + response('ok'));
    expect(proxied.upstream.peers.length).toBe(2);
    client.destroy();
  });

  it('of HTTP/1.0 with keep-alive are reused', async () => {
    proxied.upstream.serve(response('ok', 'HTTP/1.0 200 OK', 'Connection: keep-alive'));
    const client = await proxied.connect();
    client.send(get('/1'));
    await client.sees('ok');
    client.send(get('/2'));
    await proxied.upstream.received(2);
    expect(proxied.upstream.peers.length).toBe(1);
    client.destroy();
  });

  it('of HTTP/1.0 may end their bodies by closing', async () => {
    proxied.upstream.serve(({ peer }) => {
      peer.send(`${head('HTTP/1.0 200 OK', 'Content-Type: text/plain')}old`).end();
      return null;
    });
    const client = await proxied.connect();
    client.send(get('/'));
    await client.sees('0\r\n\r\n');
    expect(undated(client.received)).toBe(
      `${head('HTTP/1.1 200 OK', 'Content-Type: text/plain', 'Transfer-Encoding: chunked')}3\r\nold\r\n0\r\n\r\n`,
    );
    client.destroy();
  });

  it('that say something without having been asked are closed', async () => {
    proxied.upstream.serve(response('ok'));
    const client = await proxied.connect();
    client.send(get('/'));
    await client.sees('ok');
    const peer = await proxied.upstream.peer();
    peer.send(response('poison'));
    await peer.until(() => peer.ended || peer.closed);
    client.send(get('/'));
    await proxied.upstream.received(2);
    expect(proxied.upstream.requests[1]?.connection).toBe(1);
    await client.until(() => client.received.split('ok').length === 3);
    expect(client.received).not.toContain('poison');
    client.destroy();
  });
});
