import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { Load } from '../testing/load.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { clientPortsOf, freeze, isAlive, workerPids } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const KILLS = 20;

/** Kills a worker, and waits until another one has its place. @returns the clients that it takes with it */
async function kill(daemon: TestDaemon, worker: number, pid: number): Promise<Set<number>> {
  const from = daemon.log.length;
  await freeze(pid);
  const own = await clientPortsOf(pid, daemon.port());
  process.kill(pid, 'SIGKILL');
  await daemon.logged((line) => line.msg === 'worker ready' && line['worker'] === worker, from);
  return own;
}

describe('a worker that is killed', () => {
  it('loses only its own connections, 20 times under load', async () => {
    const upstream = await TestUpstream.start();
    closers.push(() => upstream.stop());
    const routes = [
      { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'ok' } } },
      { action: { type: 'proxy', upstream: upstream.address } },
    ];
    // Four, so that each has served for more than a moment when its turn has come: it is replaced at once then.
    const daemon = await TestDaemon.start(webConfig(routes), { workers: 4 });
    closers.push(() => daemon.stop());
    const pids = await workerPids(daemon.pid);
    expect(pids).toHaveLength(4);
    const loads = [
      // Enough that each worker has some, and so few that the next worker does not wait for a core.
      new Load(daemon.port(), { clients: 8, mode: 'keep-alive' }),
      new Load(daemon.port(), { clients: 1, mode: 'new' }),
      new Load(daemon.port(), { clients: 1, mode: 'new', path: '/static' }),
    ];
    const own = new Set<number>();
    for (let nth = 0; nth < KILLS; nth++) {
      const worker = (nth % 4) + 1;
      const line = daemon.log.findLast((entry) => entry.msg === 'worker ready' && entry['worker'] === worker);
      const pid = (line?.['pid'] ?? pids[worker - 1]) as number;
      for (const port of await kill(daemon, worker, pid)) own.add(port);
    }
    for (const load of loads) await load.stop();
    const failed = loads.flatMap((load) => load.failed);
    // Each worker had connections, so some requests were lost, but none of the other workers.
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.filter(({ port }) => !own.has(port))).toEqual([]);
    expect(failed.filter(({ what }) => what.includes('ECONNREFUSED'))).toEqual([]);
    for (const load of loads) expect(load.answered).toBeGreaterThan(500);
    const ended = daemon.log.filter(({ msg }) => msg === 'a worker has ended; it is replaced');
    expect(ended).toHaveLength(KILLS);
    for (const line of ended) {
      expect(line).toMatchObject({
        signal: 'SIGKILL',
        code: null,
        pid: expect.any(Number),
        uptime_ms: expect.any(Number),
      });
    }
  }, 60_000);

  it('leaves connections in the queue of the kernel, even when it was the only one', async () => {
    const routes = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];
    const daemon = await TestDaemon.start(webConfig(routes), { workers: 1 });
    closers.push(() => daemon.stop());
    const [pid] = (await workerPids(daemon.pid)) as [number];
    await freeze(pid);
    // No worker accepts: these wait in the queue until the worker is replaced.
    const load = new Load(daemon.port(), { clients: 8, mode: 'new' });
    process.kill(pid, 'SIGKILL');
    await daemon.logged(({ msg }) => msg === 'worker ready');
    expect((await load.stop()).failed).toEqual([]);
    expect(load.answered).toBeGreaterThanOrEqual(8);
    expect(await isAlive(pid)).toBe(false);
  });

  it('is replaced ever more slowly when it ends again and again as soon as it has begun', async () => {
    const routes = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];
    const daemon = await TestDaemon.start(webConfig(routes), { workers: 2 });
    closers.push(() => daemon.stop());
    const load = new Load(daemon.port(), { clients: 2, mode: 'new' });
    const [spared, first] = (await workerPids(daemon.pid)) as [number, number];
    const delays: unknown[] = [];
    let from = 0;
    for (let pid = first; !delays.includes(2000);) {
      process.kill(pid, 'SIGKILL');
      const line = await daemon.logged(({ msg }) => msg === 'a worker has ended; it is replaced', from);
      from = daemon.log.indexOf(line) + 1;
      delays.push(line['delay_ms']);
      if (delays.includes(2000)) break;
      pid = await eventually('the next worker', async () =>
        (await workerPids(daemon.pid)).find((candidate) => candidate !== spared && candidate !== pid),
      );
    }
    // The first of them had served for a while, maybe.
    expect(delays.slice(-4)).toEqual([undefined, undefined, 1000, 2000]);
    await daemon.logged(({ msg }) => msg === 'worker ready', from);
    const { failed } = await load.stop();
    expect(failed.filter(({ what }) => what.includes('ECONNREFUSED'))).toEqual([]);
  });
});
