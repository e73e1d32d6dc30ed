import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { clientPortsOf, workerPids } from '../testing/worker-processes.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const MBPS = 40;
const RATE = (MBPS * 1e6) / 8;

/** A client that takes whatever it gets, and counts it. */
class Download {
  bytes = 0;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('error', () => {}).on('data', (chunk) => (this.bytes += chunk.length));
    this.socket.write('GET /endless HTTP/1.1\r\nHost: a\r\n\r\n');
    closers.push(() => this.socket.destroy());
  }
}

const config = (upstream: string, text: string): unknown =>
  webConfig([
    {
      match: { path: '/endless' },
      action: { type: 'proxy', upstream },
      speed: { download_mbps: MBPS, shared: true },
    },
    { action: { type: 'static', status: 200, body_ref: { text } } },
  ]);

/** Bytes a second that all downloads together get, over the time that something takes. */
async function rateDuring(downloads: readonly Download[], work: () => Promise<unknown>): Promise<number> {
  const count = (): number => downloads.reduce((sum, { bytes }) => sum + bytes, 0);
  const [before, began] = [count(), performance.now()];
  await work();
  return (1000 * (count() - before)) / (performance.now() - began);
}

const seconds = (count: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, count * 1000));

describe('a shared speed limit', () => {
  it('is one for four workers, over a reload, and when one is killed', async () => {
    const upstream = await TestUpstream.start((_, response) => {
      const block = Buffer.alloc(65_536);
      const send = (): void => {
        while (!response.destroyed && response.write(block));
      };
      response.on('drain', send);
      send();
    });
    closers.push(() => upstream.stop());
    const daemon = await TestDaemon.start(config(upstream.address, 'one'), { workers: 4 });
    closers.push(() => daemon.stop());
    const pids = await workerPids(daemon.pid);
    const downloads: Download[] = [];
    // Connections spread until every worker has one.
    let counts: number[] = [];
    while (counts.length === 0 || counts.includes(0)) {
      expect(downloads.length).toBeLessThan(40);
      downloads.push(new Download(daemon.port()), new Download(daemon.port()));
      await eventually('the downloads to begin', () => downloads.every(({ bytes }) => bytes > 0));
      counts = await Promise.all(pids.map(async (pid) => (await clientPortsOf(pid, daemon.port())).size));
    }
    // What was sent ahead of the limit, into the buffers of the system, is over.
    await seconds(0.5);
    const steady = await rateDuring(downloads, () => seconds(3));
    expect(steady / RATE).toBeGreaterThan(0.95);
    expect(steady / RATE).toBeLessThan(1.05);
    const reloaded = await rateDuring(downloads, async () => {
      await seconds(1);
      expect(await daemon.reload(config(upstream.address, 'two'))).toBe(true);
      // In the new generation, and still under the same limit.
      for (let i = 0; i < 4; i++) downloads.push(new Download(daemon.port()));
      await seconds(2);
    });
    expect(reloaded / RATE).toBeGreaterThan(0.95);
    expect(reloaded / RATE).toBeLessThan(1.05);
    const victim = pids[0];
    const killed = await rateDuring(downloads, async () => {
      process.kill(victim, 'SIGKILL');
      await seconds(3);
    });
    expect(killed / RATE).toBeGreaterThan(0.95);
    expect(killed / RATE).toBeLessThan(1.05);
  }, 40_000);
});
