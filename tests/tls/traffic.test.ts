import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

import { logLines } from '../testing/access-log.ts';
import { makePair } from '../testing/certificates.ts';
import type { TestDaemon } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { connectTls, exchangeTls, lastRequest, run, startTls } from '../testing/tls.ts';

const MIB = 1024 * 1024;
const BODY = 200 * MIB;
/** What a body may cost the daemon: buffers of both sides, TLS records, and what the collector leaves for later. */
const ALLOWANCE = 100 * MIB;

describe('HTTP/1.1 behind TLS', () => {
  let upstream: Server;
  let daemon: TestDaemon;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  beforeAll(async () => {
    upstream = createServer((request, response) => handle(request, response));
    new WebSocketServer({ server: upstream, maxPayload: 4 * MIB }).on('connection', (socket) => {
      socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }));
    });
    await once(upstream.listen(0, '127.0.0.1'), 'listening');
    const { port } = upstream.address() as AddressInfo;
    daemon = await startTls({
      pairs: { a: makePair({ alternatives: 'DNS:a.test,IP:127.0.0.1' }) },
      routes: [{ action: { type: 'proxy', upstream: `127.0.0.1:${port}` }, access_log: './access.log' }],
      args: ['-workers', '0'],
    });
  });
  beforeEach(() => {
    handle = (request, response) => {
      const { host, 'x-forwarded-proto': proto, 'x-forwarded-for': address } = request.headers;
      response.end(JSON.stringify([request.url, host === undefined, proto, address]));
    };
  });
  afterAll(async () => {
    upstream.close().closeAllConnections();
    await stopHealthy(daemon);
  });

  it('tells the upstream of https, and the access log of HTTP/1.1', async () => {
    const answer = await exchangeTls(daemon.port(), lastRequest('a.test', '/told'));
    expect(answer).toContain('["/told",false,"https","127.0.0.1"]');
    const [line] = await logLines(`${daemon.folder}/access.log`, 1);
    expect(line).toMatchObject({ path: '/told', protocol: 'HTTP/1.1' });
  });

  it('keeps the connection, and answers pipelined requests in order', async () => {
    const paths = Array.from({ length: 30 }, (_, index) => `/${index}`);
    const requests = paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`).join('');
    const answer = await exchangeTls(daemon.port(), requests + lastRequest('a.test', '/last'));
    expect([...answer.matchAll(/\["(\/\w+)"/g)].map((match) => match[1])).toEqual([...paths, '/last']);
  });

  it('answers a client that has sent its last byte', async () => {
    const socket = connect({ port: daemon.port(), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.end('GET /half HTTP/1.1\r\nHost: a.test\r\n\r\n');
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
    await once(socket, 'close');
    expect(received).toContain('["/half"');
  });

  it('does not hold a body that the client reads slowly', async () => {
    handle = (_, response) => pour(response, BODY);
    const socket = await connectTls(daemon.port());
    const before = await daemon.rss();
    socket.write(lastRequest('a.test', '/slow'));
    const { received, peak } = await sip(socket, daemon);
    expect(received).toBeGreaterThan(BODY);
    expect(peak - before).toBeLessThan(ALLOWANCE);
  });

  it('does not hold a body that the upstream reads slowly', async () => {
    let received = 0;
    handle = (request, response) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received % (5 * MIB) > chunk.length) return;
        request.pause();
        setTimeout(() => request.resume(), 15);
      });
      request.on('end', () => response.end('got it'));
    };
    const socket = await connectTls(daemon.port());
    const before = await daemon.rss();
    socket.write(`POST / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: ${BODY}\r\n\r\n`);
    pour(socket, BODY);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    let peak = 0;
    while (!answer.includes('got it')) {
      peak = Math.max(peak, await daemon.rss());
      await delay(20);
    }
    socket.destroy();
    expect(received).toBe(BODY);
    expect(peak - before).toBeLessThan(ALLOWANCE);
  });

  it('carries WebSocket', async () => {
    const client = new WebSocket(`wss://127.0.0.1:${daemon.port()}/chat`, { rejectUnauthorized: false });
    await once(client, 'open');
    for (const size of [1, 70_000, 2 * MIB]) {
      client.send(Buffer.alloc(size, 7));
      const [data] = (await once(client, 'message')) as [Buffer];
      expect(data.equals(Buffer.alloc(size, 7))).toBe(true);
    }
    client.close();
    await once(client, 'close');
  });

  it.each(['--tls-max 1.2', '--tls-max 1.3'])(
    'ends a response that was cut without close_notify: %s',
    async (version) => {
      handle = (_, response) => {
        response.write('half of it', () => setImmediate(() => response.socket?.resetAndDestroy()));
      };
      const args = ['-sk', '--http1.1', ...version.split(' '), `https://127.0.0.1:${daemon.port()}/cut`];
      const { code } = await run('curl', args);
      // 18: a transfer was partial; 56: receiving failed.
      expect([18, 56]).toContain(code);
      const seen = await run(
        'openssl',
        ['s_client', '-connect', `127.0.0.1:${daemon.port()}`, '-ign_eof', '-msg'],
        lastRequest('a.test', '/cut'),
      );
      expect(seen.output).toContain('half of it');
      expect(seen.output).not.toMatch(/<<< .*Alert.*close_notify/);
    },
  );

  it('ends a whole response with close_notify', async () => {
    const args = ['s_client', '-connect', `127.0.0.1:${daemon.port()}`, '-ign_eof', '-msg'];
    const { output } = await run('openssl', args, lastRequest('a.test'));
    expect(output).toMatch(/<<< .*Alert.*close_notify/);
  });
});

/** Writes so many bytes as fast as they are taken. */
function pour(to: NodeJS.WritableStream, bytes: number): void {
  const piece = Buffer.alloc(MIB / 4, 'x');
  let left = bytes;
  const more = (): void => {
    while (left > 0) {
      left -= piece.length;
      if (!to.write(piece)) return void to.once('drain', more);
    }
    if (!('encrypted' in to)) to.end();
  };
  more();
}

/** Reads in bursts and gives the highest memory use of the daemon that was seen. */
async function sip(socket: TLSSocket, daemon: TestDaemon): Promise<{ received: number; peak: number }> {
  let received = 0;
  let next = 0;
  let peak = 0;
  const rest = async (): Promise<void> => {
    peak = Math.max(peak, await daemon.rss());
    await delay(15);
    socket.resume();
  };
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received < next) return;
    next = received + BODY / 20;
    socket.pause();
    void rest();
  });
  await once(socket, 'end');
  return { received, peak };
}
