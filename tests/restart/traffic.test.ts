import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readLog } from '../testing/access-log.ts';
import { makePair } from '../testing/certificates.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { H2Load } from '../testing/h2-load.ts';
import { Load } from '../testing/load.ts';
import { Relayed } from '../testing/relayed.ts';
import { restart } from '../testing/restart.ts';
import { sClient } from '../testing/s-client.ts';
import { lastRequest, startTls } from '../testing/tls.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { isAlive, killIfAlive, workerPids } from '../testing/worker-processes.ts';

const pairs = { a: makePair({ alternatives: 'DNS:a.test' }) };
const folder = mkdtempSync(join(tmpdir(), 'prox-restart-'));
afterAll(() => rmSync(folder, { recursive: true }));

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const OK = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];

async function proxied(): Promise<unknown[]> {
  const upstream = await TestUpstream.start();
  closers.push(() => upstream.stop());
  return [{ action: { type: 'proxy', upstream: upstream.address } }];
}

interface Traffic {
  readonly answered: number;
  readonly failures: readonly string[];
  stop(): Promise<unknown>;
}

/** Restarts so many times, each when every load has had answers since the last. @returns the generations */
async function restarts(daemon: TestDaemon, times: number, loads: readonly Traffic[]): Promise<number[]> {
  const generations = [daemon.pid];
  for (let nth = 0; nth < times; nth++) {
    const before = loads.map(({ answered }) => answered);
    await eventually('answers', () => loads.every(({ answered }, i) => answered > (before[i] ?? 0) + 10));
    const pid = await restart(daemon, generations.at(-1) as number);
    generations.push(pid);
    closers.push(async () => killIfAlive(pid));
  }
  return generations;
}

/** Ends the last generation, and waits for all. */
async function endAll(daemon: TestDaemon, generations: readonly number[]): Promise<void> {
  process.kill(generations.at(-1) as number, 'SIGTERM');
  await daemon.silence();
  // A process closes its log a moment before it is gone.
  for (const pid of generations) await eventually(`the end of ${pid}`, async () => !(await isAlive(pid)));
}

describe('a restart under load', () => {
  it.each([0, 2])('loses no request over TLS, kept connections and new ones (%d workers)', async (workers) => {
    const daemon = await startTls({ pairs, routes: await proxied(), workers, args: ['-watch=false'] });
    closers.push(() => daemon.stop());
    const loads = [
      new Load(daemon.port(), { clients: 6, mode: 'keep-alive', tls: true }),
      new Load(daemon.port(), { clients: 3, mode: 'new', tls: true }),
      new H2Load(daemon.port(), 2, 8),
    ];
    const generations = await restarts(daemon, 3, loads);
    for (const load of loads) await load.stop();
    expect(loads.map(({ failures }) => failures)).toEqual([[], [], []]);
    await endAll(daemon, generations);
    expect(daemon.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it.each([0, 2])('leaves one line in the access log for each request (%d workers)', async (workers) => {
    const config = webConfig(OK, {}, { logging: { access_log: 'access.log' } });
    const daemon = await TestDaemon.start(config, { workers, args: ['-watch=false'] });
    closers.push(() => daemon.stop());
    const loads = [
      new Load(daemon.port(), { clients: 4, mode: 'keep-alive' }),
      new Load(daemon.port(), { clients: 4, mode: 'new' }),
    ];
    const generations = await restarts(daemon, 3, loads);
    for (const load of loads) await load.stop();
    expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
    await endAll(daemon, generations);
    const lines = await readLog(join(daemon.folder, 'access.log'));
    expect(lines).toHaveLength(loads.reduce((sum, { answered }) => sum + answered, 0));
    expect(lines.filter(({ status }) => status !== 200)).toEqual([]);
  });

  it('takes place though a worker of the old generation and one of the new are killed meanwhile', async () => {
    const daemon = await TestDaemon.start(webConfig(OK), { workers: 2, args: ['-watch=false'] });
    closers.push(() => daemon.stop());
    const old = await workerPids(daemon.pid);
    daemon.signal('SIGUSR2');
    const line = await daemon.logged(({ msg }) => msg === 'restarting');
    const successor = line['successor'] as number;
    closers.push(async () => killIfAlive(successor));
    killIfAlive(old[0]);
    const [young] = await eventually('a worker of the next', async () => {
      const pids = await workerPids(successor);
      return pids.length === 2 ? pids : null;
    });
    killIfAlive(young);
    await daemon.logged(({ msg }) => msg.startsWith('restarted'));
    expect(await daemon.end()).toBe(0);
    await eventually('two workers', async () => (await workerPids(successor)).length === 2);
    const load = new Load(daemon.port(), { clients: 4, mode: 'new' });
    await eventually('answers', () => load.answered > 50);
    expect((await load.stop()).failures).toEqual([]);
    await endAll(daemon, [...old, successor]);
  });
});

describe('a restart', () => {
  it.each([0, 1])('lets the old process finish a relayed connection (%d workers)', async (workers) => {
    const relayed = await Relayed.start({ workers, args: ['-watch=false'] });
    const { daemon } = relayed;
    closers.push(() => relayed.upstream.stop().then(() => daemon.stop()));
    const { client, peer } = await relayed.connect();
    const pid = await restart(daemon, daemon.pid);
    closers.push(async () => killIfAlive(pid));
    peer.send('from the upstream');
    await client.sees('from the upstream');
    client.socket.write('from the client');
    await peer.sees('from the client');
    // Another one is the successor's, while the first goes on.
    const next = await relayed.connect();
    next.peer.send('hello');
    await next.client.sees('hello');
    expect(await isAlive(daemon.pid)).toBe(true);
    client.end();
    peer.end();
    expect(await daemon.end()).toBe(0);
    next.peer.send(' again');
    await next.client.sees('hello again');
  });

  it.each(['-tls1_2', '-tls1_3'])('keeps TLS sessions: %s', async (version) => {
    const daemon = await startTls({ pairs, routes: OK, workers: 1, args: ['-watch=false'] });
    closers.push(() => daemon.stop());
    const file = join(folder, version);
    const args = [version, '-servername', 'a.test'];
    expect(await sClient(daemon.port(), [...args, '-sess_out', file], lastRequest('a.test'))).toContain('New, TLSv1.');
    const pid = await restart(daemon, daemon.pid);
    closers.push(async () => killIfAlive(pid));
    expect(await daemon.end()).toBe(0);
    expect(await sClient(daemon.port(), [...args, '-sess_in', file], lastRequest('a.test'))).toContain(
      'Reused, TLSv1.',
    );
  });
});
