import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head, Proxied, response, undated } from '../testing/proxied.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

const CONNECT = head('CONNECT origin.test:443 HTTP/1.1', 'Host: origin.test:443');

describe('CONNECT to a route that is no tunnel', () => {
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    daemon = await TestDaemon.start(
      webConfig([
        { match: { domain: 'static.test' }, action: { type: 'static', status: 200 } },
        { match: { domain: 'serve.test' }, action: { type: 'serve', root: '.' } },
        { action: { type: 'proxy', upstream: upstream.authority } },
      ]),
    );
  });
  afterAll(async () => {
    await upstream.stop();
    await stopHealthy(daemon);
  });

  it.each(['static.test', 'serve.test', 'proxy.test'])('is a 405 that allows nothing: %s', async (host) => {
    const sent = head(`CONNECT ${host}:443 HTTP/1.1`, `Host: ${host}:443`, 'Connection: close');
    expect(undated(await exchangeRaw(daemon.port(), sent))).toBe(
      response(
        '405 Method Not Allowed (method_not_allowed)\n',
        'HTTP/1.1 405 Method Not Allowed',
        'Content-Type: text/plain; charset=utf-8',
        'Allow: ',
      ).replace(/(Content-Length: \d+\r\n)/, '$1Connection: close\r\n'),
    );
    expect(upstream.peers).toEqual([]);
  });

  it('leaves the connection for the next request', async () => {
    const next = head('GET / HTTP/1.1', 'Host: static.test', 'Connection: close');
    const received = await exchangeRaw(
      daemon.port(),
      head('CONNECT static.test:443 HTTP/1.1', 'Host: static.test:443') + next,
    );
    expect(received.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 405', 'HTTP/1.1 200']);
  });
});

describe('CONNECT to a route that names it among its methods', () => {
  let upstream: RawUpstream;
  let daemon: TestDaemon;
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const match = (domain: string): unknown => ({ domain, methods: ['CONNECT'] });
    const closed = { type: 'proxy', upstream: '127.0.0.1:1' };
    daemon = await TestDaemon.start(
      webConfig(
        [
          { match: match('tunnel.test'), action: { type: 'proxy', upstream: upstream.authority } },
          { match: match('closed.test'), action: closed },
          { match: match('fallback.test'), action: { ...closed, fallback: 'ok' } },
          { match: match('h2.test'), action: { type: 'proxy', upstream: upstream.authority, proto: 'h2' } },
        ],
        { config: { stall_timeout: '300ms' } },
        { actions: { ok: { type: 'static', status: 200 } } },
      ),
    );
  });
  afterAll(async () => {
    await upstream.stop();
    await stopHealthy(daemon);
  });

  const connectTo = (host: string, ...fields: string[]): string =>
    head(`CONNECT ${host}:443 HTTP/1.1`, `Host: ${host}:443`, ...fields);

  it('is answered by prox, and the bytes go to the upstream of the action', async () => {
    upstream.onConnection((peer) => void peer.send('hello from the upstream'));
    const client = await RawClient.connect(daemon.port());
    client.send(`${connectTo('tunnel.test')}right behind`);
    await client.sees('hello from the upstream');
    expect(undated(client.received)).toBe(`${head('HTTP/1.1 200 OK')}hello from the upstream`);
    const peer = await upstream.peer();
    await peer.sees('right behind');
    // Longer than stall_timeout: a tunnel may be silent.
    await new Promise((resolve) => setTimeout(resolve, 600));
    client.send(' and later').end();
    await peer.sees(' and later');
    await peer.toEnd();
    expect(peer.received).toBe('right behind and later');
    peer.send('bye').end();
    await client.sees('bye');
    await client.gone();
    expect(client.reset).toBe(false);
  });

  it.each(['closed.test', 'fallback.test'])('is a 502 when the upstream cannot be reached: %s', async (host) => {
    const received = await exchangeRaw(daemon.port(), connectTo(host, 'Connection: close'));
    expect(received).toMatch(/^HTTP\/1\.1 502 [^]*\(dial_failed\)\n$/);
  });

  it('is a 405 where the upstream speaks HTTP/2 without TLS', async () => {
    const received = await exchangeRaw(daemon.port(), connectTo('h2.test', 'Connection: close'));
    expect(received).toMatch(/^HTTP\/1\.1 405 /);
  });
});

describe('CONNECT with stream: true', () => {
  let proxied: Proxied;
  beforeAll(async () => {
    proxied = await Proxied.start({ action: { stream: true }, limits: { stall_timeout: '300ms' } });
  });
  afterEach(() => proxied.reset());
  afterAll(() => proxied.stop());

  it('goes on in authority-form, and its 2xx opens a tunnel without framing', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 200 Fine', 'Content-Length: 5', 'X-A: b') + '\0\xff');
    });
    const client = await proxied.connect();
    client.send(`${CONNECT}right behind`);
    await client.sees('\xff');
    expect(undated(client.received)).toBe(`${head('HTTP/1.1 200 Fine', 'X-A: b')}\0\xff`);
    const peer = await proxied.upstream.peer();
    await peer.sees('right behind');
    expect(peer.received).toBe(
      head(
        'CONNECT origin.test:443 HTTP/1.1',
        'Host: origin.test:443',
        'X-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Host: origin.test:443',
        'X-Forwarded-Proto: http',
        'Via: 1.1 prox',
        'Connection: close',
      ) + 'right behind',
    );
    // Longer than stall_timeout, which does not apply to tunnels.
    await new Promise((resolve) => setTimeout(resolve, 600));
    client.send(' and later').end();
    await peer.sees(' and later');
    await peer.toEnd();
    peer.send('bye').end();
    await client.sees('bye');
    await client.gone();
    expect(client.reset).toBe(false);
  });

  it('that is refused is answered like any other request', async () => {
    const refusal = response('no', 'HTTP/1.1 407 Proxy Authentication Required', 'Proxy-Authenticate: Basic');
    const { received } = await proxied.exchange(CONNECT, refusal, 'no');
    expect(undated(received)).toBe(refusal);
  });

  it('that is answered by a 101 is a 502', async () => {
    const { received } = await proxied.exchange(CONNECT, head('HTTP/1.1 101 Switching Protocols'), 'bad_response)\n');
    expect(received).toMatch(/^HTTP\/1\.1 502 /);
  });

  it.each([
    ['a body', head('CONNECT a.test:443 HTTP/1.1', 'Host: a.test:443', 'Content-Length: 2') + 'hi'],
    [
      'a chunked body',
      head('CONNECT a.test:443 HTTP/1.1', 'Host: a.test:443', 'Transfer-Encoding: chunked') + '0\r\n\r\n',
    ],
    ['no port', head('CONNECT a.test HTTP/1.1', 'Host: a.test')],
    ['a path', head('CONNECT /a HTTP/1.1', 'Host: a.test')],
  ])('with %s is a 400', async (_, sent) => {
    const { received, requests } = await proxied.exchange(sent, response('ok'));
    expect(received).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(requests).toEqual([]);
  });

  it.each(['the client', 'the upstream'])('ends when %s has ended its side and the other is silent', async (who) => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 200 OK'));
    });
    const client = await proxied.connect();
    await client.send(CONNECT).sees('\r\n\r\n');
    const peer = await proxied.upstream.peer();
    const [silent, other] = who === 'the client' ? [peer, client] : [client, peer];
    other.end();
    await silent.toEnd();
    await other.gone();
    expect(other.reset).toBe(true);
  });
});

describe('a real HTTP proxy behind stream: true', () => {
  let origin: Server;
  let proxy: Server;
  let daemon: TestDaemon;
  beforeAll(async () => {
    origin = createServer((request, answer) => request.pipe(answer)).listen(0, '127.0.0.1');
    proxy = createServer().listen(0, '127.0.0.1');
    await Promise.all([once(origin, 'listening'), once(proxy, 'listening')]);
    proxy.on('connect', (request, socket, first) => {
      const to = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        socket.write(head('HTTP/1.1 200 Connection Established'));
        to.write(first);
        to.pipe(socket).pipe(to);
      });
    });
    const upstream = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream, stream: true } }]));
  });
  afterAll(async () => {
    proxy.close();
    origin.close();
    await stopHealthy(daemon);
  });

  it('carries requests to an origin through the tunnel', async () => {
    const { port } = origin.address() as AddressInfo;
    const client = await RawClient.connect(daemon.port());
    client.send(head(`CONNECT 127.0.0.1:${port} HTTP/1.1`, `Host: 127.0.0.1:${port}`));
    await client.sees('\r\n\r\n');
    const body = 'abc'.repeat(100_000);
    client.send(head('POST / HTTP/1.1', 'Host: a', `Content-Length: ${body.length}`, 'Connection: close') + body);
    await client.toEnd();
    const [, second, echoed] = client.received.split('\r\n\r\n');
    expect(second).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(echoed?.replaceAll(/[^abc]/g, '').length).toBeGreaterThanOrEqual(body.length);
    client.destroy();
  });
});
