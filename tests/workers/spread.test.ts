import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';
import { clientPortsOf, freeze, workerPids } from '../testing/worker-processes.ts';

const STATIC = [{ action: { type: 'static', status: 200, body_ref: { text: 'hello' } } }];
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Of 64: 60 in a hundred. */
const MOST = 38;

let daemon: TestDaemon;
const clients: RawClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await daemon.stop();
});

async function start(): Promise<void> {
  daemon = await TestDaemon.start(webConfig(STATIC), { workers: 2 });
}

/** Opens connections together, and has each of them answered. */
async function open(count: number): Promise<void> {
  const opened = await Promise.all(Array.from({ length: count }, () => RawClient.connect(daemon.port())));
  clients.push(...opened);
  for (const client of opened) client.send(GET);
  for (const client of opened) await client.sees('hello');
}

/** How many connections each worker has, the most first. */
async function shares(): Promise<number[]> {
  const pids = await workerPids(daemon.pid);
  const counts = await Promise.all(pids.map(async (pid) => (await clientPortsOf(pid, daemon.port())).size));
  return counts.toSorted((a, b) => b - a);
}

async function closeAll(): Promise<void> {
  for (const client of clients.splice(0)) client.destroy();
  await eventually('the workers to have none', async () => (await shares()).every((share) => share === 0));
}

describe('64 connections that are opened together', () => {
  it('are spread within 60:40 over two workers, time and again', async () => {
    await start();
    for (let round = 0; round < 5; round++) {
      await open(64);
      const [most = 0, least = 0] = await shares();
      expect(most + least).toBe(64);
      expect(most).toBeLessThanOrEqual(MOST);
      await closeAll();
    }
  });

  it('are so when a worker was replaced', async () => {
    await start();
    const [pid = 0] = await workerPids(daemon.pid);
    process.kill(pid, 'SIGKILL');
    await daemon.logged(({ msg }) => msg === 'worker ready');
    await open(64);
    const [most = 0, least = 0] = await shares();
    expect(most + least).toBe(64);
    expect(most).toBeLessThanOrEqual(MOST);
  });

  it('fill up a worker that has fewer, as when it took the place of another one', async () => {
    await start();
    await open(64);
    const [pid = 0] = await workerPids(daemon.pid);
    process.kill(pid, 'SIGKILL');
    await daemon.logged(({ msg }) => msg === 'worker ready');
    await open(64);
    const [most = 0, least = 0] = await shares();
    // Those of the worker that was killed are gone.
    expect(most + least).toBeGreaterThan(64 + 64 - MOST - 1);
    expect(most / (most + least)).toBeLessThanOrEqual(0.6);
  });

  it('are all served by one worker while the other one stands still', async () => {
    await start();
    const [, pid = 0] = await workerPids(daemon.pid);
    await freeze(pid);
    try {
      await open(64);
      const [most = 0] = await shares();
      expect(most).toBeGreaterThan(64 - 16);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });
});

describe('connections that come one after another and stay', () => {
  it('are spread, too', async () => {
    await start();
    for (let nth = 0; nth < 64; nth++) await open(1);
    const [most = 0] = await shares();
    expect(most).toBeLessThanOrEqual(MOST);
  });
});
