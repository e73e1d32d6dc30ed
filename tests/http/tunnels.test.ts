import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head, Proxied, response, undated } from '../testing/proxied.ts';

const HANDSHAKE = head(
  'GET /chat HTTP/1.1',
  'Host: a.test',
  'Connection: keep-alive, Upgrade',
  'Upgrade: WebSocket',
  'Sec-WebSocket-Key: abc',
);
const SWITCH = head(
  'HTTP/1.1 101 Switching Protocols',
  'Connection: upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Accept: x',
);

describe('an upgrade', () => {
  let proxied: Proxied;
  beforeAll(async () => {
    proxied = await Proxied.start({ limits: { stall_timeout: '1s' } });
  });
  afterEach(() => proxied.reset());
  afterAll(() => proxied.stop());

  it('reaches the upstream, and both sides speak freely from then on', async () => {
    proxied.upstream.serve(SWITCH);
    const client = await proxied.connect();
    client.send(HANDSHAKE);
    await client.sees('\r\n\r\n');
    expect(client.received).toBe(
      head('HTTP/1.1 101 Switching Protocols', 'Sec-WebSocket-Accept: x', 'Connection: upgrade', 'Upgrade: websocket'),
    );
    const peer = await proxied.upstream.peer();
    expect(peer.received).toMatch(/\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n$/);
    client.send('GET / HTTP/1.1\r\n\r\n\0\xff up');
    await peer.sees('GET / HTTP/1.1\r\n\r\n\0\xff up');
    peer.send('HTTP/1.1 200 OK\r\n\r\n\0\xff down');
    await client.sees('HTTP/1.1 200 OK\r\n\r\n\0\xff down');
    client.destroy();
    await peer.until(() => peer.ended || peer.closed);
  });

  it('passes on what came right behind the handshake, and behind the answer', async () => {
    proxied.upstream.serve(`${SWITCH}early down`);
    const client = await proxied.connect();
    client.send(`${HANDSHAKE}early up`);
    await client.sees('early down');
    expect(await (await proxied.upstream.peer()).sees('early up')).toMatch(/\r\n\r\nearly up$/);
    client.destroy();
  });

  it('is silent for as long as both like', async () => {
    proxied.upstream.serve(SWITCH);
    const client = await proxied.connect();
    client.send(HANDSHAKE);
    await client.sees('\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    client.send('still here');
    expect(await (await proxied.upstream.peer()).sees('still here')).toMatch(/\r\n\r\nstill here$/);
    client.destroy();
  });

  it.each(['client', 'upstream'])('half-closed by the %s goes on in the other direction, then ends', async (side) => {
    proxied.upstream.serve(SWITCH);
    const client = await proxied.connect();
    client.send(HANDSHAKE);
    await client.sees('\r\n\r\n');
    const peer = await proxied.upstream.peer();
    const [first, second] = side === 'client' ? [client, peer] : [peer, client];
    first.send('last words').end();
    await second.sees('last words');
    await second.until(() => second.ended, 'the end to be passed on');
    second.send('answer').end();
    await first.sees('answer');
    await first.until(() => first.ended, 'the other end');
    await client.gone();
    await peer.gone();
    expect(client.reset || peer.reset).toBe(false);
  });

  it('half-closed and silent ends by stall_timeout', async () => {
    proxied.upstream.serve(SWITCH);
    const client = await proxied.connect();
    client.send(HANDSHAKE);
    await client.sees('\r\n\r\n');
    const peer = await proxied.upstream.peer();
    client.end();
    await peer.until(() => peer.ended);
    await client.until(() => client.closed, 'the tunnel to be given up');
    await peer.until(() => peer.closed || peer.ended);
    expect(client.received).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\n$/);
  });

  it('that the client ends before it is answered still carries what it sent', async () => {
    proxied.upstream.serve(() => null);
    const client = await proxied.connect();
    client.send(`${HANDSHAKE}early up`).end();
    const [{ peer }] = await proxied.upstream.received(1);
    peer.send(`${SWITCH}down`);
    await peer.sees('early up');
    await peer.until(() => peer.ended);
    peer.end();
    expect(await client.toEnd()).toMatch(/down$/);
  });

  it('breaks on both sides when one breaks', async () => {
    for (const side of ['client', 'upstream']) {
      proxied.upstream.serve(SWITCH);
      const client = await proxied.connect();
      client.send(HANDSHAKE);
      await client.sees('\r\n\r\n');
      const peer = proxied.upstream.peers.at(-1) as NonNullable<(typeof proxied.upstream.peers)[0]>;
      const [first, second] = side === 'client' ? [client, peer] : [peer, client];
      first.socket.resetAndDestroy();
      await second.until(() => second.closed || second.ended, 'the break to be passed on');
      second.destroy();
    }
    expect(proxied.upstream.requests.length).toBe(2);
  });

  it('that is refused is an answer like any other', async () => {
    proxied.upstream.serve(({ head: request }) =>
      request.includes('/chat') ? response('no', 'HTTP/1.1 403 Forbidden') : response('yes'),
    );
    const client = await proxied.connect();
    client.send(HANDSHAKE);
    await client.sees('no');
    client.send(head('GET / HTTP/1.1', 'Host: a.test'));
    await client.sees('yes');
    expect(undated(client.received)).toBe(response('no', 'HTTP/1.1 403 Forbidden') + response('yes'));
    expect(proxied.upstream.peers.length).toBe(1);
    client.destroy();
  });

  it.each([
    [
      'with a body',
      `${head('POST / HTTP/1.1', 'Host: a', 'Connection: upgrade', 'Upgrade: x', 'Content-Length: 2')}hi`,
    ],
    [
      'to h2c',
      head('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: x'),
    ],
    ['that Connection does not name', head('GET / HTTP/1.1', 'Host: a', 'Upgrade: websocket')],
    ['of HTTP/1.0', head('GET / HTTP/1.0', 'Host: a', 'Connection: upgrade', 'Upgrade: websocket')],
  ])('%s is passed over', async (_, sent) => {
    const { request, received } = await proxied.exchange(sent, response('plain'), 'plain');
    expect(request).not.toMatch(/upgrade|http2-settings/i);
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });
});

describe('WebSocket', () => {
  let server: Server;
  let daemon: TestDaemon;
  beforeAll(async () => {
    server = createServer((_, answer) => answer.end('http'));
    const sockets = new WebSocketServer({
      server,
      maxPayload: 1 << 26,
      verifyClient: ({ req }: { req: IncomingMessage }) => req.url !== '/forbidden',
    });
    sockets.on('connection', (socket) => {
      socket.send('welcome');
      socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const upstream = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream } }]));
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await stopHealthy(daemon);
  });
  const open = (path: string): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${daemon.port()}${path}`, { maxPayload: 1 << 26 });

  it('echoes frames of any size, and says goodbye', async () => {
    const socket = open('/');
    const welcome = await once(socket, 'message');
    expect(String(welcome[0])).toBe('welcome');
    for (const size of [0, 1, 125, 126, 65_535, 65_536, 5_000_000]) {
      const sent = Buffer.alloc(size, size % 251);
      socket.send(sent);
      const [echo] = (await once(socket, 'message')) as [Buffer];
      expect(echo.equals(sent)).toBe(true);
    }
    socket.close(4321, 'bye');
    const [code] = await once(socket, 'close');
    expect(code).toBe(4321);
  });

  it('that the upstream refuses is refused', async () => {
    const socket = open('/forbidden');
    const [error] = (await once(socket, 'error')) as [Error];
    expect(error.message).toContain('401');
  });
});

describe('stream: true', () => {
  let proxied: Proxied;
  beforeAll(async () => {
    proxied = await Proxied.start({ action: { stream: true } });
  });
  afterEach(() => proxied.reset());
  afterAll(() => proxied.stop());

  it('lets CONNECT through, without its Content-Length', async () => {
    proxied.upstream.serve(head('HTTP/1.1 200 Connection Established', 'Content-Length: 5'));
    const client = await proxied.connect();
    client.send(`${head('CONNECT db.test:5432 HTTP/1.1', 'Host: db.test:5432')}early`);
    await client.sees('\r\n\r\n');
    expect(client.received).toBe(head('HTTP/1.1 200 Connection Established'));
    const peer = await proxied.upstream.peer();
    await peer.sees('early');
    expect(peer.received).toMatch(/^CONNECT db\.test:5432 HTTP\/1\.1\r\nHost: db\.test:5432\r\n/);
    peer.send('any bytes\r\n');
    await client.sees('any bytes\r\n');
    client.end();
    await peer.until(() => peer.ended);
    peer.end();
    await client.gone();
  });

  it('passes on a refusal of CONNECT', async () => {
    proxied.upstream.serve(response('no', 'HTTP/1.1 403 Forbidden'));
    const client = await proxied.connect();
    client.send(head('CONNECT db.test:5432 HTTP/1.1', 'Host: db.test:5432'));
    await client.sees('no');
    expect(client.received).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    client.destroy();
  });

  it('carries both directions at once, on a connection of its own', async () => {
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
      await peer.sees('1\r\na\r\n');
      peer.send('1\r\nA\r\n');
      await peer.sees('1\r\nb\r\n0\r\n\r\n');
      peer.send('1\r\nB\r\n0\r\n\r\n');
    });
    for (let i = 0; i < 2; i++) {
      const client = await proxied.connect();
      client.send(head('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked'));
      await client.sees('\r\n\r\n');
      client.send('1\r\na\r\n');
      await client.sees('1\r\nA\r\n');
      client.send('1\r\nb\r\n0\r\n\r\n');
      await client.sees('1\r\nB\r\n0\r\n\r\n');
      client.destroy();
    }
    expect(proxied.upstream.peers.length).toBe(2);
    expect(proxied.upstream.peers[0].received).toContain('\r\nConnection: close\r\n');
  });
});
