import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { cpuSeconds } from '../testing/process-cpu.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TestUpstream } from '../testing/upstream.ts';

/** Bytes a second of a megabit a second. */
const MBPS = 1_000_000 / 8;
/** Windows that may be lost to a machine that stands still, and the one that counts. */
const WINDOWS = 4;
const WINDOW_MS = 3000;
const BODY = randomBytes(8 * 1024 * 1024);

let upstream: TestUpstream;
let daemon: TestDaemon;
/** Bytes of request bodies and of tunnels that have reached the upstream, by path. */
const received = new Map<string, number>();

function count(path: string, bytes: number): void {
  received.set(path, (received.get(path) ?? 0) + bytes);
}

beforeAll(async () => {
  upstream = await TestUpstream.start((request, response) => {
    const path = request.url ?? '';
    request.on('data', (chunk: Buffer) => count(path, chunk.length));
    request.on('error', () => {});
    if (request.method === 'GET') response.end(BODY);
  });
  upstream.http.on('upgrade', (request, socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => count(request.url ?? '', chunk.length));
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n');
    if (request.url === '/tunnel-down') socket.write(BODY);
  });
  const prepare = async (folder: string): Promise<string> => {
    await mkdir(join(folder, 'www'));
    await writeFile(join(folder, 'www/file.bin'), BODY);
    return join(folder, 'prox.json5');
  };
  const proxy = { type: 'proxy', upstream: upstream.address };
  const down = { download_mbps: 4 };
  const up = { upload_mbps: 4 };
  const routes = [
    { match: { path: '/down' }, action: proxy, speed: down },
    { match: { path: '/fraction' }, action: proxy, speed: { download_mbps: 0.5 } },
    { match: { path: '/shared' }, action: proxy, speed: { ...down, shared: true } },
    { match: { path: '/up' }, action: proxy, speed: up },
    { match: { path: '/shared-up' }, action: proxy, speed: { ...up, shared: true } },
    { match: { path: '/tunnel-down,/tunnel-up' }, action: proxy, speed: { ...down, ...up } },
    { match: { path: '/files/*' }, action: { type: 'serve', root: './www' }, speed: down },
    {
      match: { path: '/static' },
      action: { type: 'static', status: 200, body_ref: { file: './www/file.bin' } },
      speed: down,
    },
    { match: { path: '/free' }, action: proxy },
  ];
  daemon = await TestDaemon.start(webConfig(routes), { prepare });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.stop();
});

/** Reads as fast as it comes. @returns how many bytes have come so far, the head included */
async function download(path: string, upgrade = ''): Promise<{ bytes: () => number; end: () => void }> {
  let bytes = 0;
  const socket = connect({ port: daemon.port(), host: '127.0.0.1' });
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  return { bytes: () => bytes, end: () => socket.destroy() };
}

/** Sends as fast as it is taken. */
async function upload(head: string): Promise<{ end: () => void }> {
  const client = await RawClient.connect(daemon.port());
  client.send(head);
  if (head.startsWith('GET')) await client.sees('101 Switching');
  client.socket.write(BODY);
  client.socket.write(BODY);
  return { end: () => client.destroy() };
}

/** Bytes a second over three seconds, from after the first burst on. */
async function rate(bytes: () => number): Promise<number> {
  const before = bytes();
  const began = performance.now();
  await setTimeout(WINDOW_MS);
  return ((bytes() - before) / (performance.now() - began)) * 1000;
}

/**
 * Measures the rate over three seconds. It may never be above the limit; below it, a window is measured again, as a
 * machine that stands still for a while makes a transfer slower, and nothing makes up for it.
 */
async function expectRate(bytes: () => number, mbps: number): Promise<void> {
  let measured = 0;
  for (let window = 0; window < WINDOWS && measured <= mbps * MBPS * 0.9; window++) {
    measured = await rate(bytes);
    expect(measured).toBeLessThan(mbps * MBPS * 1.1);
  }
  expect(measured).toBeGreaterThan(mbps * MBPS * 0.9);
}

const post = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * BODY.length}\r\n\r\n`;
const UPGRADE = 'Connection: upgrade\r\nUpgrade: raw\r\n';

describe.concurrent('a speed limit holds to a tenth over three seconds', () => {
  it.each([
    ['a proxied response', '/down', 4, ''],
    ['a fraction of a megabit', '/fraction', 0.5, ''],
    ['a served file', '/files/file.bin', 4, ''],
    ['a static body', '/static', 4, ''],
    ['a tunnel towards the client', '/tunnel-down', 4, UPGRADE],
  ])('for %s', async (_, path, mbps, upgrade) => {
    const transfer = await download(path, upgrade);
    await expectRate(transfer.bytes, mbps);
    transfer.end();
  });

  it('for all connections of a route together, each with its share', async () => {
    const transfers = await Promise.all([1, 2, 3, 4].map(() => download('/shared')));
    const before = transfers.map(({ bytes }) => bytes());
    await expectRate(() => transfers.reduce((sum, { bytes }) => sum + bytes(), 0), 4);
    const shares = transfers.map(({ bytes }, i) => bytes() - before[i]);
    const fair = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    for (const share of shares) expect(share).toBeGreaterThan(fair / 2);
    for (const { end } of transfers) end();
  });

  it('for an upload', async () => {
    const transfer = await upload(post('/up'));
    await expectRate(() => received.get('/up') ?? 0, 4);
    transfer.end();
  });

  it('for all uploads of a route together', async () => {
    const transfers = await Promise.all([1, 2, 3].map(() => upload(post('/shared-up'))));
    await expectRate(() => received.get('/shared-up') ?? 0, 4);
    for (const { end } of transfers) end();
  });

  it('for a tunnel towards the upstream', async () => {
    const transfer = await upload(`GET /tunnel-up HTTP/1.1\r\nHost: a\r\n${UPGRADE}\r\n`);
    await expectRate(() => received.get('/tunnel-up') ?? 0, 4);
    transfer.end();
  });

  it('from one request of a connection to the next', async () => {
    let bytes = 0;
    const socket = connect({ port: daemon.port(), host: '127.0.0.1' });
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
    const requests = 'GET /down HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3);
    socket.write(requests);
    await new Promise<void>((resolve) => socket.once('data', () => resolve()));
    await expectRate(() => bytes, 4);
    socket.destroy();
  });
});

describe('a limited transfer', () => {
  it('waits without burning CPU', async () => {
    const transfers = await Promise.all([1, 2].map(() => download('/fraction')));
    const before = await cpuSeconds(daemon.pid);
    await setTimeout(WINDOW_MS);
    const used = ((await cpuSeconds(daemon.pid)) - before) / (WINDOW_MS / 1000);
    // Twenty wake-ups a second for each cost a hundredth of a core; one that spins costs all of it.
    expect(used).toBeLessThan(0.15);
    for (const { end } of transfers) end();
  });

  it('changes no byte', async () => {
    const routes = [{ action: { type: 'proxy', upstream: upstream.address }, speed: { download_mbps: 100 } }];
    const limited = await TestDaemon.start(webConfig(routes));
    const body = Buffer.from(await (await fetch(limited.url('/x'))).arrayBuffer());
    await limited.stop();
    expect(createHash('sha256').update(body).digest('hex')).toBe(createHash('sha256').update(BODY).digest('hex'));
  });

  it('does not slow other clients', async () => {
    const transfer = await download('/down');
    const began = performance.now();
    expect((await (await fetch(daemon.url('/free'))).arrayBuffer()).byteLength).toBe(BODY.length);
    // At the limit it would take 16 seconds.
    expect(performance.now() - began).toBeLessThan(4000);
    transfer.end();
  });
});
