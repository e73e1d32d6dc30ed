import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { Load } from '../testing/load.ts';
import { restart } from '../testing/restart.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { isAlive } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

describe('SIGUSR2', () => {
  it.each([
    { workers: 0, restarts: 3 },
    { workers: 1, restarts: 2 },
    { workers: 2, restarts: 10 },
  ])(
    'loses no request in $restarts restarts under load, with $workers workers',
    async ({ workers, restarts }) => {
      const upstream = await TestUpstream.start();
      closers.push(() => upstream.stop());
      const daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: upstream.address } }]), {
        workers,
      });
      const generations = [daemon.pid];
      closers.push(() => daemon.stop(generations));
      const loads = [
        new Load(daemon.port(), { clients: 8, mode: 'keep-alive' }),
        new Load(daemon.port(), { clients: 4, mode: 'new' }),
      ];
      for (let nth = 0; nth < restarts; nth++) {
        const answered = loads.map((load) => load.answered);
        await eventually('answers', () => loads.every((load, i) => load.answered > answered[i] + 20));
        generations.push(await restart(daemon, generations.at(-1) as number));
      }
      for (const load of loads) await load.stop();
      expect(loads.flatMap(({ failures }) => failures)).toEqual([]);
      const last = generations.at(-1) as number;
      await eventually('all but the last to end', async () => {
        const alive = await Promise.all(generations.map(isAlive));
        return alive.lastIndexOf(true, -2) === -1;
      });
      expect(await isAlive(last)).toBe(true);
      expect(await daemon.end()).toBe(0);
    },
    30_000,
  );
});
