import { once } from 'node:events';
import { constants } from 'node:http2';
import { createServer as createHttps, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';
import { RawClient } from '../testing/raw-client.ts';
import { pairFor } from '../testing/certificates.ts';
import { eventually } from '../testing/wait.ts';

/** An https server, and the protocols that its clients offered and agreed on. */
interface Http1Only {
  readonly server: Server;
  readonly agreed: (string | false | null)[];
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

describe('an https upstream', () => {
  let both: Http2Upstream;
  let http1: Http1Only;
  let chatty: Server;
  let sockets: WebSocketServer;
  let daemon: TestDaemon;
  beforeAll(async () => {
    const pair = pairFor('localhost');
    both = await Http2Upstream.start({ tls: pair });
    const server = createHttps({ ...pair, ALPNProtocols: ['http/1.1'] }, (request, answer) => {
      if (request.url?.startsWith('/mixed') === true) {
        let body = '';
        request.on('data', (bytes: Buffer) => (body += bytes.toString()));
        request.on('end', () => answer.end(`${request.httpVersion} got ${body}`));
        return;
      }
      setTimeout(() => answer.end(`${request.httpVersion} ${request.url}`), request.url === '/one/slow' ? 50 : 0);
    });
    http1 = { server, agreed: [] };
    server.on('secureConnection', (socket) => http1.agreed.push(socket.alpnProtocol));
    // Prefers HTTP/2, which it would not speak: an upgrade that offers it fails.
    chatty = createHttps({ ...pair, ALPNCallback: ({ protocols }) => (protocols.includes('h2') ? 'h2' : 'http/1.1') });
    sockets = new WebSocketServer({ server: chatty });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    for (const one of [server, chatty]) await once(one.listen(0, '127.0.0.1'), 'listening');
    const to = (path: string, port: number, rest: object = {}): unknown => ({
      match: { path },
      action: { type: 'proxy', upstream: `https://127.0.0.1:${port}`, upstream_tls: { insecure: true }, ...rest },
    });
    daemon = await TestDaemon.start(
      webConfig([
        to('/both/*', both.port),
        to('/one/*', portOf(server)),
        to('/chat', portOf(chatty)),
        to('/raw', portOf(server), { stream: true }),
        {
          match: { path: '/mixed/*' },
          balancer: { type: 'roundrobin', targets: [both.port, portOf(server)].map((port) => `127.0.0.1:${port}`) },
          action: { type: 'proxy', upstream: 'https://{target}', upstream_tls: { insecure: true } },
        },
      ]),
    );
  });
  afterEach(async () => {
    http1.agreed.length = 0;
    await both.reset();
  });
  afterAll(async () => {
    await both.stop();
    for (const one of [http1.server, chatty]) one.closeAllConnections();
    for (const client of sockets.clients) client.terminate();
    http1.server.close();
    chatty.close();
    await stopHealthy(daemon);
  });

  const get = async (path: string): Promise<string> => (await fetch(daemon.url(path))).text();

  it('of HTTP/1.1 gets the whole body of a request that one of HTTP/2 has refused', async () => {
    both.handler = (stream) => {
      stream.resume();
      stream.on('end', () => stream.close(constants.NGHTTP2_REFUSED_STREAM));
    };
    // Either of the two may be asked first.
    for (let i = 0; i < 4; i++) {
      const answer = await fetch(daemon.url('/mixed/x'), {
        method: 'POST',
        body: 'hello',
        signal: AbortSignal.timeout(5000),
      });
      expect(await answer.text()).toBe('1.1 got hello');
    }
    expect(both.requests.length).toBeGreaterThan(0);
  });

  it('is spoken to in HTTP/2 when it chooses that, by one session', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, () => get('/both/x')));
    expect(new Set(answers)).toEqual(new Set(['ok']));
    expect(both.sessions.length).toBe(1);
    expect([both.last[':scheme'], both.last[':authority']]).toEqual(['https', both.authority]);
  });

  it('leaves no socket behind when it goes', async () => {
    await get('/one/x');
    const before = await openSockets(daemon);
    for (let round = 0; round < 5; round++) {
      expect(await get('/both/x')).toBe('ok');
      for (const socket of both.sockets) socket.end();
      await eventually('the connection to close', () => both.sockets.size === 0);
    }
    await socketsBackTo(daemon, before);
  });

  it('is spoken to in HTTP/1.1 when it does not, and is not waited for once that is known', async () => {
    expect(await get('/one/x')).toBe('1.1 /one/x');
    const answers = await Promise.all(Array.from({ length: 10 }, () => get('/one/slow')));
    expect(new Set(answers)).toEqual(new Set(['1.1 /one/slow']));
    expect(new Set(http1.agreed)).toEqual(new Set(['http/1.1']));
    // Each of the ten had to have a connection of its own, but for the one that was there.
    expect(http1.agreed.length).toBeGreaterThanOrEqual(8);
  });

  it('gets upgrades by HTTP/1.1, though it would choose HTTP/2', async () => {
    const client = new WebSocket(`ws://127.0.0.1:${daemon.port()}/chat`);
    await once(client, 'open');
    client.send('hello');
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(data.toString()).toBe('hello');
    client.terminate();
  });

  it('gets streams by HTTP/1.1', async () => {
    const client = await RawClient.connect(daemon.port());
    await client.send('GET /raw HTTP/1.1\r\nHost: a.test\r\n\r\n').sees('1.1 /raw');
    client.destroy();
  });
});
