import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { PREFACE } from '../testing/http2-frames.ts';
import { Nginx } from '../testing/nginx.ts';
import { head, response } from '../testing/proxied.ts';
import { RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';
import { pairFor } from '../testing/certificates.ts';

const V2_SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';

describe('proxy_protocol on a proxy action', () => {
  let upstream: RawUpstream;
  let secure: Server;
  let unwrapping: TcpServer;
  let daemon: TestDaemon;
  let folder: string;
  /** What came before TLS, in the order of coming. */
  const openings: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'prox-header-'));
    upstream = await RawUpstream.start();
    secure = createServer(pairFor('localhost'), (request, answer) => answer.end(request.headers.host));
    // Takes the header off and gives the rest to the server with TLS.
    unwrapping = createTcpServer((socket) => {
      socket.once('readable', () => {
        const bytes = socket.read() as Buffer;
        const end = bytes.indexOf('\r\n') + 2;
        openings.push(bytes.toString('latin1', 0, end));
        if (end < bytes.length) socket.unshift(bytes.subarray(end));
        secure.emit('connection', socket);
      });
    });
    await once(unwrapping.listen(0, '127.0.0.1'), 'listening');
    const action = (version: string, rest: object = {}): object => ({
      type: 'proxy',
      upstream: `http://${upstream.authority}`,
      proxy_protocol: version,
      ...rest,
    });
    const https = `https://127.0.0.1:${(unwrapping.address() as AddressInfo).port}`;
    const routes = [
      { match: { path: '/v2' }, action: action('v2') },
      { match: { path: '/h2' }, action: action('v1', { proto: 'h2' }) },
      { match: { path: '/tls' }, action: action('v1', { upstream: https, upstream_tls: { insecure: true } }) },
      { action: action('v1') },
    ];
    const config = { dial_timeout: '500ms' };
    daemon = await TestDaemon.start({
      services: {
        web: { listen: '127.0.0.1:0', routes, config },
        local: { listen: `unix://${join(folder, 'prox.sock')}`, routes, config },
      },
    });
  });
  afterEach(() => upstream.reset());
  afterAll(async () => {
    await upstream.stop();
    secure.closeAllConnections();
    unwrapping.close();
    await rm(folder, { recursive: true });
    await stopHealthy(daemon);
  });

  const answerAfter = (end: (received: string) => number): void =>
    upstream.onConnection(async (peer) => {
      await peer.until(() => peer.received.indexOf('\r\n\r\n', end(peer.received)) > 0, 'a request');
      peer.send(response('ok'));
    });

  it('v1 begins each connection with the addresses of the client, and none serves two', async () => {
    answerAfter(() => 0);
    const client = await RawClient.connect(daemon.port());
    const { localPort } = client.socket;
    await client.send(head('GET /a HTTP/1.1', 'Host: a.test')).sees('ok');
    await client
      .send(head('GET /b HTTP/1.1', 'Host: a.test'))
      .until(() => client.received.split('\r\n\r\nok').length === 3);
    expect(upstream.peers.map(({ received }) => received.slice(0, received.indexOf(' HTTP/')))).toEqual(
      ['/a', '/b'].map((path) => `PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${daemon.port()}\r\nGET ${path}`),
    );
    expect(upstream.peers[0]?.received).toContain('\r\nConnection: close\r\n');
    await upstream.until(() => upstream.peers.every((peer) => peer.ended), 'both connections to end');
    client.destroy();
  });

  it('v2 does so in binary', async () => {
    answerAfter(() => 28);
    const client = await RawClient.connect(daemon.port());
    const { localPort = 0 } = client.socket;
    await client.send(head('GET /v2 HTTP/1.1', 'Host: a.test')).sees('ok');
    const received = upstream.peers[0]?.received ?? '';
    expect(received.slice(0, 16)).toBe(`${V2_SIGNATURE}\x21\x11\0\x0c`);
    expect(Buffer.from(received.slice(16, 28), 'latin1')).toEqual(
      Buffer.from([
        127,
        0,
        0,
        1,
        127,
        0,
        0,
        1,
        localPort >> 8,
        localPort & 255,
        daemon.port() >> 8,
        daemon.port() & 255,
      ]),
    );
    expect(received.slice(28)).toMatch(/^GET \/v2 /);
    client.destroy();
  });

  it('stands before the preface of HTTP/2', async () => {
    const client = await RawClient.connect(daemon.port());
    client.send(head('GET /h2 HTTP/1.1', 'Host: a.test'));
    const peer = await upstream.peer();
    await peer.sees(PREFACE);
    expect(peer.received).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nPRI /);
    client.destroy();
  });

  it('stands before the TLS handshake', async () => {
    const answer = await fetch(daemon.url('/tls'));
    expect(answer.status).toBe(200);
    expect(openings.at(-1)).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$/);
  });

  it.each([
    ['/', 'PROXY UNKNOWN\r\nGET'],
    ['/v2', `${V2_SIGNATURE}\x20\0\0\0GET`],
  ])('contains no address for a client on a unix socket: %s', async (path, opening) => {
    answerAfter(() => (path === '/' ? 0 : 16));
    const client = RawClient.over(connect({ path: join(folder, 'prox.sock'), allowHalfOpen: true }));
    await client.send(head(`GET ${path} HTTP/1.1`, 'Host: a.test')).sees('ok');
    expect(upstream.peers[0]?.received.slice(0, opening.length)).toBe(opening);
    client.destroy();
  });
});

describe('nginx that listens for a PROXY header', () => {
  let nginx: Nginx;
  let daemon: TestDaemon;
  beforeAll(async () => {
    nginx = await Nginx.start(
      'location / { return 200 "$proxy_protocol_addr $proxy_protocol_port"; }',
      'proxy_protocol',
    );
    const action = (version: string): object => ({
      type: 'proxy',
      upstream: `http://127.0.0.1:${nginx.port}`,
      proxy_protocol: version,
    });
    daemon = await TestDaemon.start(
      webConfig([{ match: { path: '/v1' }, action: action('v1') }, { action: action('v2') }]),
    );
  });
  afterAll(async () => {
    await nginx.stop();
    await stopHealthy(daemon);
  });

  it.each(['/v1', '/v2'])('learns the address of the client by %s', async (path) => {
    const client = await RawClient.connect(daemon.port());
    await client.send(head(`GET ${path} HTTP/1.1`, 'Host: a.test')).sees(`127.0.0.1 ${client.socket.localPort}`);
    client.destroy();
  });
});
