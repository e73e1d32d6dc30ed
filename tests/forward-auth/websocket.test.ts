import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { answerOf, H2Client } from '../testing/h2-client.ts';
import { stopHealthy } from '../testing/health.ts';
import { head } from '../testing/proxied.ts';
import { RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';
import { AuthServer } from './auth-server.ts';

const HANDSHAKE = head(
  'GET /chat HTTP/1.1',
  'Host: a.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
);

describe('a WebSocket that an auth server is asked about', () => {
  const handshakes: Record<string, unknown>[] = [];
  let server: WebSocketServer;
  let auth: AuthServer;
  let daemon: TestDaemon;
  let cookie: string;
  beforeAll(async () => {
    auth = await AuthServer.start();
    cookie = auth.login('alice');
    server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    server.on('connection', (socket, { headers }) => {
      handshakes.push(headers);
      socket.on('message', (data) => socket.send(`echo ${(data as Buffer).toString()}`));
    });
    const { port } = server.address() as AddressInfo;
    const login = { category: 'forward_auth', auth_url: auth.url, add_headers: ['X-User'] };
    const route = { plugins: ['login'], action: { type: 'proxy', upstream: `127.0.0.1:${port}` } };
    daemon = await TestDaemon.start(webConfig([route], {}, { plugins: { login } }));
  });
  afterEach(() => {
    handshakes.length = 0;
    auth.reset();
  });
  afterAll(async () => {
    for (const client of server.clients) client.terminate();
    server.close();
    await auth.stop();
    await stopHealthy(daemon);
  });

  const open = (headers: Record<string, string>): WebSocket =>
    new WebSocket(`ws://127.0.0.1:${daemon.port()}/chat`, { headers });
  const connect = (fields: Record<string, string>): Promise<H2Client> =>
    H2Client.connect(daemon.url()).then((client) => {
      handshake = {
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':path': '/chat',
        'sec-websocket-version': '13',
        ...fields,
      };
      return client;
    });
  let handshake: Record<string, string>;

  it('carries messages when it may pass, over HTTP/1.1', async () => {
    const client = open({ cookie });
    await once(client, 'open');
    client.send('one');
    const [data] = (await once(client, 'message')) as [Buffer];
    expect(data.toString()).toBe('echo one');
    expect(handshakes).toMatchObject([{ 'x-user': 'alice' }]);
    expect(auth.asked[0].fields).toMatchObject({ 'x-forwarded-method': 'GET', 'x-forwarded-uri': '/chat' });
    expect(auth.asked[0].fields.upgrade).toBeUndefined();
    client.terminate();
  });

  it('takes what the client sends while the auth server is asked', async () => {
    let decide = (): void => {};
    auth.answer = (_, response) => (decide = () => void response.writeHead(204).end());
    const client = await RawClient.connect(daemon.port());
    client.send(HANDSHAKE);
    await eventually('the auth request', () => auth.asked.length > 0);
    // A text frame, masked with zeros, ahead of the answer to the handshake.
    client.send('\x81\x85\0\0\0\0early');
    decide();
    await client.sees('echo early');
    client.destroy();
  });

  it('is refused with the answer of the auth server, over HTTP/1.1', async () => {
    const client = open({});
    client.on('error', () => {});
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(response.statusCode).toBe(401);
    expect(handshakes).toEqual([]);
    client.terminate();
  });

  it('carries messages when it may pass, over HTTP/2', async () => {
    const client = await connect({ cookie });
    const stream = client.open(handshake);
    const [fields] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(fields[':status']).toBe(200);
    stream.write(Buffer.concat([Buffer.from([0x81, 0x83, 0, 0, 0, 0]), Buffer.from('one')]));
    const [data] = (await once(stream, 'data')) as [Buffer];
    expect(data.subarray(2).toString()).toBe('echo one');
    expect(handshakes).toMatchObject([{ 'x-user': 'alice' }]);
    client.destroy();
  });

  it('is refused with the answer of the auth server, over HTTP/2', async () => {
    const client = await connect({});
    expect(await answerOf(client.open(handshake))).toMatchObject({ status: 401, body: '{"error":"no session"}' });
    expect(handshakes).toEqual([]);
    client.destroy();
  });
});
