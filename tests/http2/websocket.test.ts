import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { ClientHttp2Stream } from 'node:http2';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { answerOf, H2Client } from '../testing/h2-client.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head, Proxied, response } from '../testing/proxied.ts';

const HANDSHAKE = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', 'sec-websocket-version': '13' };

/** A text frame as a client sends it: masked, here with zeros (RFC 6455 §5.2). */
function masked(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** The value of Sec-WebSocket-Accept that belongs to a request head. */
function acceptOf(request: string): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request)?.[1] ?? '';
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** The status of a stream's response. */
async function statusOf(stream: ClientHttp2Stream): Promise<number> {
  const [fields] = (await once(stream, 'response')) as [Record<string, unknown>];
  return Number(fields[':status']);
}

describe('a WebSocket over HTTP/2', () => {
  let server: WebSocketServer;
  let daemon: TestDaemon;
  let client: H2Client;
  const sockets: WebSocket[] = [];
  let raw: Socket | null = null;
  beforeAll(async () => {
    server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      handleProtocols: (offered) => [...offered][0] ?? false,
    });
    await once(server, 'listening');
    server.on('connection', (socket, request) => {
      raw = request.socket;
      sockets.push(socket);
      socket.on('message', (data) => socket.send(`echo ${(data as Buffer).toString()}`));
    });
    const { port } = server.address() as { port: number };
    daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: `127.0.0.1:${port}` } }]));
    client = await H2Client.connect(daemon.url());
  });
  afterAll(async () => {
    client.destroy();
    server.close();
    await stopHealthy(daemon);
  });

  it('is offered by the settings', () => {
    expect(client.session.remoteSettings.enableConnectProtocol).toBe(true);
  });

  it('carries messages both ways beside other streams, and closes', async () => {
    const stream = client.open({ ...HANDSHAKE, 'sec-websocket-protocol': 'chat' });
    const [fields] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(fields).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'chat' });
    expect(fields).not.toHaveProperty('sec-websocket-accept');
    expect(fields).not.toHaveProperty('upgrade');
    stream.write(masked('one'));
    const [data] = (await once(stream, 'data')) as [Buffer];
    expect(data.subarray(2).toString()).toBe('echo one');
    // A close frame, which the server answers before it ends the connection.
    stream.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
    const [close] = (await once(stream, 'data')) as [Buffer];
    expect(close[0]).toBe(0x88);
    stream.end();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
  });

  it('that the client resets is closed for the server', async () => {
    const stream = client.open(HANDSHAKE);
    expect(await statusOf(stream)).toBe(200);
    const closed = once(sockets.at(-1) as WebSocket, 'close');
    stream.close(8);
    await closed;
  });

  it('that the server cuts is reset for the client', async () => {
    const stream = client.open(HANDSHAKE);
    stream.resume();
    expect(await statusOf(stream)).toBe(200);
    raw?.resetAndDestroy();
    if (!stream.destroyed) await new Promise((resolve) => stream.once('close', resolve));
    expect(stream.rstCode).toBe(2);
  });

  it('of another protocol is answered 501', async () => {
    const stream = client.open({ ...HANDSHAKE, ':protocol': 'connect-udp' });
    expect(await statusOf(stream)).toBe(501);
    stream.close();
  });
});

describe('the handshake for an upstream', () => {
  let proxied: Proxied;
  let client: H2Client;
  beforeAll(async () => {
    proxied = await Proxied.start({
      routes: [{ match: { path: '/static' }, action: { type: 'static', status: 200 } }],
    });
  });
  beforeEach(async () => {
    client = await H2Client.connect(proxied.daemon.url());
  });
  afterEach(async () => {
    client.destroy();
    await proxied.reset();
  });
  afterAll(() => proxied.stop());

  it('is the GET of HTTP/1.1', async () => {
    proxied.upstream.serve(response('no', 'HTTP/1.1 403 Forbidden'));
    const answer = await answerOf(client.open(HANDSHAKE));
    expect(answer).toMatchObject({ status: 403, body: 'no' });
    const [request] = proxied.upstream.requests;
    expect(request.head).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
    expect(request.head).toContain('\r\nConnection: upgrade\r\nUpgrade: websocket\r\n');
    expect(request.head).toMatch(/\r\nsec-websocket-version: 13\r\n/i);
    expect(request.head).toMatch(/\r\nSec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\n/);
  });

  it('with the wrong accept is answered 502', async () => {
    proxied.upstream.serve(
      head('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Accept: x'),
    );
    expect((await answerOf(client.open(HANDSHAKE))).status).toBe(502);
  });

  it('that is answered 200 is no WebSocket, and answered 502', async () => {
    proxied.upstream.serve(response('hello'));
    expect((await answerOf(client.open(HANDSHAKE))).status).toBe(502);
  });

  it('at a route that answers itself with 200 is answered 502', async () => {
    expect((await answerOf(client.open({ ...HANDSHAKE, ':path': '/static' }))).status).toBe(502);
  });

  it('passes the end of each side on', async () => {
    proxied.upstream.serve(({ head: request }) =>
      head(
        'HTTP/1.1 101 Switching',
        'Connection: upgrade',
        'Upgrade: websocket',
        `Sec-WebSocket-Accept: ${acceptOf(request)}`,
      ),
    );
    const stream = client.open(HANDSHAKE);
    expect(await statusOf(stream)).toBe(200);
    stream.end('last words');
    const [{ peer }] = proxied.upstream.requests;
    await peer.sees('last words');
    await peer.until(() => peer.ended, 'the end of the client');
    const heard: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => heard.push(chunk));
    peer.send('and mine');
    peer.end();
    await once(stream, 'close');
    expect(Buffer.concat(heard).toString()).toBe('and mine');
    expect(stream.rstCode).toBe(0);
  });
});

describe('CONNECT over HTTP/2', () => {
  it('to a stream action is a tunnel', async () => {
    const proxied = await Proxied.start({ action: { stream: true } });
    proxied.upstream.serve(head('HTTP/1.1 200 OK'));
    const client = await H2Client.connect(proxied.daemon.url());
    const stream = client.open({ ':method': 'CONNECT', ':authority': 'far.test:22' });
    expect(await statusOf(stream)).toBe(200);
    const [{ peer, head: request }] = proxied.upstream.requests;
    expect(request).toMatch(/^CONNECT far\.test:22 HTTP\/1\.1\r\nHost: far\.test:22\r\n/);
    stream.write('up');
    await peer.sees('up');
    peer.send('down');
    const [data] = (await once(stream, 'data')) as [Buffer];
    expect(String(data)).toBe('down');
    client.destroy();
    await proxied.stop();
  });
});
