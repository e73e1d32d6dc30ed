import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Socket } from 'node:net';
import { H2Client } from '../testing/h2-client.ts';
import { eventually } from '../testing/wait.ts';
import { head, Proxied } from '../testing/proxied.ts';

const TOTAL = 120_000_000;
const BLOCK = Buffer.alloc(1 << 16, 'x');

/** What the daemon may grow by: windows, socket buffers, and what the collector has not got to yet. */
const FLAT_BYTES = 80_000_000;

let proxied: Proxied;
let client: H2Client;
beforeAll(async () => {
  proxied = await Proxied.start({
    routes: [
      { match: { path: '/other' }, action: { type: 'static', status: 204 } },
      {
        match: { path: '/limited' },
        speed: { download_mbps: 8, upload_mbps: 8 },
        action: { type: 'static', status: 200, body_ref: { text: 'x'.repeat(600_000) } },
      },
    ],
  });
  client = await H2Client.connect(proxied.daemon.url());
});
afterAll(async () => {
  client.destroy();
  await proxied.stop();
});

/** Writes as much as a socket takes, up to a number of bytes. */
function pour(socket: Socket, bytes: number): { sent: number } {
  const state = { sent: 0 };
  const fill = (): void => {
    while (state.sent < bytes) {
      state.sent += BLOCK.length;
      if (!socket.write(BLOCK)) return;
    }
  };
  socket.on('drain', fill);
  fill();
  return state;
}

describe('a body of 120 MB', () => {
  it('from a fast upstream to a slow stream is held back, while another stream goes on', async () => {
    let poured = { sent: 0 };
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.send(head('HTTP/1.1 200 OK', `Content-Length: ${TOTAL}`));
      poured = pour(peer.socket, TOTAL);
    });
    const before = await proxied.daemon.rss();
    const stream = client.open({ ':path': '/big' }, true);
    let received = 0;
    stream.on('data', (chunk: Buffer) => (received += chunk.length));
    await eventually('the first megabyte', () => received > 1_000_000);
    stream.pause();
    let sent = -1;
    await eventually('the upstream to stand still', async () => {
      const same = poured.sent === sent;
      sent = poured.sent;
      await client.get('/other');
      return same;
    });
    expect(sent).toBeLessThan(TOTAL / 2);
    stream.resume();
    await eventually('all of it', () => received === TOTAL, 30_000);
    expect((await proxied.daemon.rss()) - before).toBeLessThan(FLAT_BYTES);
    stream.close();
  });

  it('from a fast client to a slow upstream is held back', async () => {
    let release: () => void = () => {};
    let received = 0;
    proxied.upstream.onConnection(async (peer) => {
      await peer.sees('\r\n\r\n');
      peer.socket.pause();
      peer.socket.removeAllListeners('data');
      received = peer.received.length;
      await new Promise<void>((resolve) => (release = resolve));
      peer.socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        if (received > TOTAL) peer.send(head('HTTP/1.1 204 No Content'));
      });
      peer.socket.resume();
    });
    const before = await proxied.daemon.rss();
    const stream = client.open({ ':method': 'POST', ':path': '/upload', 'content-length': String(TOTAL) });
    let status = 0;
    stream.on('response', (fields) => (status = Number(fields[':status'])));
    let sent = 0;
    const fill = (): void => {
      while (sent < TOTAL) {
        const block = BLOCK.subarray(0, Math.min(BLOCK.length, TOTAL - sent));
        sent += block.length;
        if (!stream.write(block)) return;
      }
      stream.end();
    };
    stream.on('drain', fill);
    fill();
    let seen = -1;
    await eventually('the client to stand still', async () => {
      const same = sent === seen;
      seen = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
      return same;
    });
    expect(seen).toBeLessThan(TOTAL / 2);
    release();
    await eventually('the answer', () => status === 204, 30_000);
    expect((await proxied.daemon.rss()) - before).toBeLessThan(FLAT_BYTES);
  });
});

describe('a speed limit', () => {
  it('holds for all streams of a connection together', async () => {
    const other = await H2Client.connect(proxied.daemon.url());
    const began = performance.now();
    const answers = await Promise.all([other.get('/limited'), other.get('/limited'), other.get('/limited')]);
    const seconds = (performance.now() - began) / 1000;
    expect(answers.map(({ body }) => body.length)).toEqual([600_000, 600_000, 600_000]);
    // 1.8 MB at a megabyte a second, less the burst.
    expect(seconds).toBeGreaterThan(1.5);
    other.destroy();
  });
});
