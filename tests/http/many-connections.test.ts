import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { head, Proxied, response } from '../testing/proxied.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';

const STATIC = [{ action: { type: 'static', status: 200, body_ref: { text: 'hello' } } }];
const GET = head('GET / HTTP/1.1', 'Host: a.test');
const GET_CLOSE = head('GET / HTTP/1.1', 'Host: a.test', 'Connection: close');

/** Opens connections a few hundred at a time: the queue of the kernel is finite. */
async function connectMany(port: number, count: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  while (clients.length < count) {
    const batch = Math.min(250, count - clients.length);
    clients.push(...(await Promise.all(Array.from({ length: batch }, () => RawClient.connect(port)))));
  }
  return clients;
}

describe('a client that goes away', () => {
  let proxied: Proxied;
  beforeAll(async () => {
    proxied = await Proxied.start();
  });
  afterEach(() => proxied.reset());
  afterAll(() => proxied.stop());

  it('in the middle of a download takes the upstream connection with it', async () => {
    proxied.upstream.serve(({ peer }) => {
      const pump = setInterval(() => peer.socket.write(Buffer.alloc(10_000)), 5);
      peer.socket.once('close', () => clearInterval(pump));
      return head('HTTP/1.1 200 OK', 'Content-Length: 1000000000');
    });
    const client = await proxied.connect();
    client.send(GET);
    await client.until(() => client.received.length > 50_000);
    client.destroy();
    const peer = await proxied.upstream.peer();
    await peer.until(() => peer.ended || peer.closed);
    peer.destroy();
    expect(proxied.upstream.peers.length).toBe(1);
  });

  it('in the middle of an upload takes the upstream connection with it', async () => {
    const client = await proxied.connect();
    client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 1000000')}some`);
    const peer = await proxied.upstream.peer();
    await peer.sees('some');
    client.destroy();
    await peer.until(() => peer.ended || peer.closed);
    expect(peer.received).not.toMatch(/somes/);
  });

  it('while an upstream is dialed leaves nothing behind', async () => {
    const before = await openSockets(proxied.daemon);
    for (let i = 0; i < 20; i++) {
      const client = await proxied.connect();
      client.send(GET);
      client.socket.resetAndDestroy();
    }
    await socketsBackTo(proxied.daemon, before + 1);
    proxied.upstream.serve(response('fine'));
    expect(await exchangeRaw(proxied.daemon.port(), GET_CLOSE)).toContain('fine');
  });

  it('500 times, in every way, leaks no socket', async () => {
    proxied.upstream.serve(({ head: request, peer }) => {
      if (request.startsWith('GET /slow')) return null;
      if (request.startsWith('GET /cut')) {
        peer.send(`${head('HTTP/1.1 200 OK', 'Content-Length: 10')}01`).end();
        return null;
      }
      if (request.startsWith('GET /ws')) return head('HTTP/1.1 101 S', 'Connection: upgrade', 'Upgrade: x');
      return `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}5\r\n01234\r\n`;
    });
    const requests = [
      'GET / HTTP/1.1\r\nHo',
      GET,
      head('GET /slow HTTP/1.1', 'Host: a'),
      head('GET /cut HTTP/1.1', 'Host: a'),
      head('GET /ws HTTP/1.1', 'Host: a', 'Connection: upgrade', 'Upgrade: x'),
      `${head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}5\r\n012`,
      `${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 100')}012`,
      'nonsense\r\n\r\n',
    ];
    const before = await openSockets(proxied.daemon);
    for (let round = 0; round < 10; round++) {
      const clients = await connectMany(proxied.daemon.port(), 50);
      clients.forEach((client, i) => client.send(requests[i % requests.length]));
      await delay(round * 2);
      clients.forEach((client, i) => (i % 2 === 0 ? client.destroy() : client.socket.resetAndDestroy()));
    }
    // Clients that only ended their side still wait for an answer; they end with the upstream.
    for (const peer of proxied.upstream.peers) peer.destroy();
    await eventually('every socket to be closed', async () => {
      for (const peer of proxied.upstream.peers) peer.destroy();
      return (await openSockets(proxied.daemon)) <= before;
    });
  });
});

describe('max_connections', () => {
  it('lets those above it wait, and serves them later in order', async () => {
    const daemon = await TestDaemon.start(webConfig(STATIC, { config: { max_connections: 2 } }));
    const [first, second] = await connectMany(daemon.port(), 2);
    for (const client of [first, second]) {
      client.send(GET);
      await client.sees('hello');
    }
    const [third, gone, fourth] = await connectMany(daemon.port(), 3);
    third.send(GET_CLOSE);
    gone.destroy();
    fourth.send(GET_CLOSE);
    // The two that are served continue; no other connection is served.
    first.send(GET);
    await first.until(() => first.received.split('hello').length === 3);
    expect(third.received + fourth.received).toBe('');
    first.end();
    expect(await third.toEnd()).toContain('hello');
    third.destroy();
    expect(await fourth.toEnd()).toContain('hello');
    for (const client of [first, second, third, fourth]) client.destroy();
    await stopHealthy(daemon);
  });
});

describe('many connections', () => {
  it('1,000 that dribble their heads are all closed by header_timeout, and others are served meanwhile', async () => {
    const daemon = await TestDaemon.start(webConfig(STATIC, { config: { header_timeout: '2s' } }));
    const before = await openSockets(daemon);
    const clients = await connectMany(daemon.port(), 1000);
    for (const client of clients) client.send('GET / HTTP/1.1\r\n');
    const dribble = setInterval(() => {
      for (const client of clients) if (!client.ended && !client.closed) client.send('X: y\r\n');
    }, 200);
    for (let i = 0; i < 20; i++) expect(await exchangeRaw(daemon.port(), GET_CLOSE)).toContain('hello');
    await eventually('all to be closed', () => clients.every((client) => client.ended || client.closed));
    clearInterval(dribble);
    const refused = clients.filter((client) => client.received.startsWith('HTTP/1.1 408 ')).length;
    expect(refused).toBe(1000);
    for (const client of clients) client.destroy();
    await socketsBackTo(daemon, before);
    await stopHealthy(daemon);
  });

  it('that are idle cost little memory each', async () => {
    // Each takes a descriptor here, and prox keeps another one for its upstream. Where fewer are allowed, fewer have to do.
    const allowed = Number(/^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1]);
    const count = Math.min(10_000, Math.floor(allowed / 2) - 500);
    const daemon = await TestDaemon.start(webConfig(STATIC));
    await exchangeRaw(daemon.port(), GET_CLOSE);
    const before = await daemon.rss();
    const clients = await connectMany(daemon.port(), count);
    for (const client of clients) client.send(GET);
    await eventually('all to be served', () => clients.every((client) => client.received.includes('hello')));
    const each = ((await daemon.rss()) - before) / count;
    expect(each).toBeLessThan(16_384);
    for (const client of clients) client.destroy();
    await stopHealthy(daemon);
  });
});
