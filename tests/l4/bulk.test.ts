import { execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { accepts, freePort } from '../testing/ports.ts';
import { Relayed } from '../testing/relayed.ts';
import { type Pair, pairFor } from '../testing/certificates.ts';
import { eventually } from '../testing/wait.ts';

const MEGABYTE = 1024 * 1024;
/** More than any buffer on the way, the kernel's included, by far. */
const TRANSFER = 300 * MEGABYTE;
/** What a process may grow by without anything being kept: garbage that waits for its collection. */
const GROWTH = 80 * MEGABYTE;

let relayed: Relayed;
let pair: Pair;
let opensslPort: number;
let echoPort: number;
const echo = createServer((socket) => socket.pipe(socket));

beforeAll(async () => {
  pair = pairFor('pass.test');
  opensslPort = await freePort();
  echo.setSecureContext(pair);
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  echoPort = (echo.address() as AddressInfo).port;
  relayed = await Relayed.start({
    routes: [
      { match: { domain: 'echo.test' }, action: { type: 'pass', upstream: `127.0.0.1:${echoPort}` } },
      { match: { domain: 'openssl.test' }, action: { type: 'pass', upstream: `127.0.0.1:${opensslPort}` } },
      {
        match: { domain: 'slow.test' },
        action: { type: 'pass', upstream: `127.0.0.1:${echoPort}` },
        speed: { download_mbps: 16, upload_mbps: 32 },
      },
    ],
  });
});
beforeEach(() => relayed.reset());
afterAll(async () => {
  echo.close();
  await relayed.stop();
});

/** Writes so many bytes as fast as they are taken. */
async function pour(socket: Socket, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(MEGABYTE, 'x');
  for (let sent = 0; sent < bytes; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain');
  socket.end();
}

/** Reads to the end, with a rest after each few megabytes. @returns how many bytes came */
async function sip(socket: Socket): Promise<number> {
  let bytes = 0;
  let rested = 0;
  socket.removeAllListeners('data');
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes - rested < 4 * MEGABYTE) return;
    rested = bytes;
    socket.pause();
    setTimeout(() => socket.resume(), 5);
  });
  socket.resume();
  await once(socket, 'end');
  return bytes;
}

/** Sends random bytes through TLS to the echo behind a route, and expects the same back. @returns milliseconds */
async function echoed(serverName: string, bytes: number): Promise<number> {
  const started = performance.now();
  const port = relayed.daemon.port();
  const socket = connect({ port, host: '127.0.0.1', servername: serverName, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const sent = randomBytes(bytes);
  const hash = createHash('sha256');
  let received = 0;
  const complete = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      hash.update(chunk);
      received += chunk.length;
      if (received >= bytes) resolve();
    });
    socket.on('close', () => reject(new Error(`closed after ${received} bytes`)));
  });
  socket.write(sent);
  await complete;
  socket.destroy();
  expect(hash.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
  return performance.now() - started;
}

describe('a large transfer', () => {
  it.each(['to the client', 'from the client'])('keeps memory flat when its reader is slow: %s', async (direction) => {
    const { client, peer } = await relayed.connect();
    const [from, to] = direction === 'to the client' ? [peer, client] : [client, peer];
    const before = await relayed.daemon.rss();
    let most = 0;
    const sampling = setInterval(() => void relayed.daemon.rss().then((rss) => (most = Math.max(most, rss))), 20);
    const poured = pour(from.socket, TRANSFER);
    const bytes = await sip(to.socket);
    await poured;
    clearInterval(sampling);
    expect(bytes).toBe(TRANSFER);
    expect(most - before).toBeLessThan(GROWTH);
    to.end();
    await to.gone();
  });

  it('arrives as it was sent, both ways at once', async () => {
    expect(await echoed('echo.test', 24 * MEGABYTE)).toBeGreaterThan(0);
  });

  it('keeps the speed of its route in both directions', async () => {
    // 4 MiB at 16 Mbit/s take 2.1 s; what may pass at once after an idle time takes 0.2 s off.
    const milliseconds = await echoed('slow.test', 4 * MEGABYTE);
    expect(milliseconds).toBeGreaterThan(1800);
    expect(milliseconds).toBeLessThan(6000);
  });

  it('reaches openssl s_server from openssl s_client', async () => {
    const { folder } = relayed.daemon;
    const files = ['-cert', `${folder}/own.crt`, '-key', `${folder}/own.key`];
    const server = spawn('openssl', ['s_server', '-accept', `127.0.0.1:${opensslPort}`, ...files, '-quiet', '-rev'], {
      stdio: 'ignore',
    });
    await eventually('openssl s_server to listen', () => accepts(opensslPort));
    const address = ['-connect', `127.0.0.1:${relayed.daemon.port()}`, '-servername', 'openssl.test'];
    const client = promisify(execFile)('openssl', ['s_client', ...address, '-quiet']);
    client.child.stdin?.write('dessap\n');
    let output = '';
    client.child.stdout?.on('data', (chunk: string) => {
      output += chunk;
      if (output.includes('passed')) client.child.kill();
    });
    await client.catch(() => {
      // It is killed when it has what it waits for.
    });
    server.kill();
    expect(output).toContain('passed');
  });
});
