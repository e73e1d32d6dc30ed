import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { logLines } from '../testing/access-log.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head } from '../testing/proxied.ts';

const MIB = 1024 * 1024;

const HANDSHAKE = head(
  'GET /chat HTTP/1.1',
  'Host: a.test',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
);

describe('a WebSocket through prox', () => {
  let server: WebSocketServer;
  let daemon: TestDaemon;
  beforeAll(async () => {
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 4 * MIB });
    await once(server, 'listening');
    server.on('connection', (socket, request) => {
      socket.on('message', (data: Buffer, binary) => {
        if (data.toString() === 'close me') socket.close(4001, 'as you wish');
        else if (data.toString() === 'cut me') request.socket.resetAndDestroy();
        else socket.send(data, { binary });
      });
    });
    const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const config = {
      idle_timeout: '200ms',
      stall_timeout: '200ms',
      header_timeout: '200ms',
      read_timeout: '300ms',
      write_timeout: '300ms',
      response_header_timeout: '300ms',
    };
    daemon = await TestDaemon.start(
      webConfig([{ action: { type: 'proxy', upstream }, access_log: './access.log' }], { config }),
    );
  });
  afterAll(async () => {
    for (const client of server.clients) client.terminate();
    await new Promise((resolve) => server.close(resolve));
    await stopHealthy(daemon);
  });

  const open = async (): Promise<WebSocket> => {
    const client = new WebSocket(`ws://127.0.0.1:${daemon.port()}/chat?x=1`, ['soap', 'wamp']);
    await once(client, 'open');
    return client;
  };
  const closed = async (client: WebSocket): Promise<[number, string]> => {
    const [code, reason] = (await once(client, 'close')) as [number, Buffer];
    return [code, reason.toString()];
  };
  const allGone = async (): Promise<void> => {
    while (server.clients.size > 0) await once([...server.clients][0] ?? server, 'close');
  };

  it('carries text and binary messages, and the subprotocol that was agreed', async () => {
    const client = await open();
    expect(client.protocol).toBe('soap');
    client.send('h\u00e9llo');
    const [text, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
    expect([text.toString(), isBinary]).toEqual(['h\u00e9llo', false]);
    client.send(Buffer.from([0, 255, 13, 10]));
    expect(await once(client, 'message')).toEqual([Buffer.from([0, 255, 13, 10]), true]);
    client.close();
    await closed(client);
  });

  it('carries messages of a megabyte, several at a time', async () => {
    const client = await open();
    const messages = [0, 1, 2, 3].map((seed) => Buffer.alloc(MIB, `${seed} abcdefg\r\n`));
    const received: Buffer[] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        received.push(data);
        if (received.length === messages.length) resolve();
      });
    });
    for (const message of messages) client.send(message);
    await all;
    expect(received.every((data, i) => data.equals(messages[i] as Buffer))).toBe(true);
    client.close();
    await closed(client);
  });

  it('carries a thousand small messages in order', async () => {
    const client = await open();
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      client.on('message', (data: Buffer) => {
        if (received.push(data.toString()) === 1000) resolve();
      });
    });
    for (let i = 0; i < 1000; i++) client.send(`message ${i}`);
    await all;
    expect(received).toEqual(Array.from({ length: 1000 }, (_, i) => `message ${i}`));
    client.close();
    await closed(client);
  });

  it('carries pings and pongs of both sides', async () => {
    const client = await open();
    client.ping('p1');
    expect((await once(client, 'pong'))[0]).toEqual(Buffer.from('p1'));
    const [ours] = [...server.clients] as [WebSocket];
    ours.ping('p2');
    expect((await once(ours, 'pong'))[0]).toEqual(Buffer.from('p2'));
    client.close();
    await closed(client);
    await allGone();
  });

  it('is closed by the client with its code', async () => {
    const client = await open();
    const [ours] = [...server.clients] as [WebSocket];
    const atServer = closed(ours);
    client.close(4000, 'bye');
    expect(await closed(client)).toEqual([4000, 'bye']);
    expect(await atServer).toEqual([4000, 'bye']);
  });

  it('is closed by the server with its code', async () => {
    const client = await open();
    client.send('close me');
    expect(await closed(client)).toEqual([4001, 'as you wish']);
    await allGone();
  });

  it('ends for the client when the server breaks off', async () => {
    const client = await open();
    client.send('cut me');
    expect((await closed(client))[0]).toBe(1006);
    await allGone();
  });

  it('ends for the server when the client breaks off', async () => {
    const upgraded = once(server, 'connection');
    const client = connect({ port: daemon.port(), host: '127.0.0.1' });
    client.write(HANDSHAKE);
    const [ours] = (await upgraded) as [WebSocket];
    const atServer = closed(ours);
    client.resetAndDestroy();
    expect((await atServer)[0]).toBe(1006);
  });

  it('may be silent for longer than any timeout', async () => {
    const client = await open();
    // Longer than each of the timeouts above; the client and the server say nothing.
    await new Promise((resolve) => setTimeout(resolve, 700));
    client.send('still there?');
    expect((await once(client, 'message'))[0]).toEqual(Buffer.from('still there?'));
    client.close();
    await closed(client);
  });

  it('is logged when it ends, with all that passed and how long it took', async () => {
    await allGone();
    const before = (await logLines(`${daemon.folder}/access.log`, 1)).length;
    const client = await open();
    client.send(Buffer.alloc(50_000));
    await once(client, 'message');
    await new Promise((resolve) => setTimeout(resolve, 100));
    client.close();
    await closed(client);
    const lines = await logLines(`${daemon.folder}/access.log`, before + 1);
    const line = lines.at(-1) as Record<string, number | string | null>;
    expect(line).toMatchObject({ method: 'GET', path: '/chat', status: 101, error: null });
    for (const key of ['bytes_in', 'bytes_out']) {
      expect(line[key]).toBeGreaterThan(50_000);
      expect(line[key]).toBeLessThan(51_000);
    }
    expect(line['duration_ms']).toBeGreaterThan(90);
  });
});
