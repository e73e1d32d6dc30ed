import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { Load } from '../testing/load.ts';
import { TestUpstream } from '../testing/upstream.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Reloads by SIGHUP and waits until that is done. */
async function hangUp(daemon: TestDaemon): Promise<void> {
  const from = daemon.log.length;
  daemon.signal('SIGHUP');
  const line = await daemon.logged(({ msg, level }) => msg === 'config reloaded' || level === 'error', from);
  expect(line.msg).toBe('config reloaded');
}

describe('100 reloads under load', () => {
  it('fail not one request of kept, new and pipelining connections', async () => {
    const upstream = await TestUpstream.start();
    closers.push(() => upstream.stop());
    const config = (generation: number): unknown =>
      webConfig([
        { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: `g${generation}` } } },
        {
          match: { path: '/balanced' },
          balancer: { type: 'leastconn', targets: [upstream.address, `localhost:${upstream.port}`] },
          action: { type: 'proxy', upstream: 'http://{target}', headers: { 'X-Generation': `${generation}` } },
        },
        { action: { type: 'proxy', upstream: upstream.address } },
      ]);
    const daemon = await TestDaemon.start(config(0), { args: ['-watch=false'] });
    closers.push(() => daemon.stop());
    const port = daemon.port();
    const loads = [
      new Load(port, { clients: 24, mode: 'keep-alive' }),
      new Load(port, { clients: 8, mode: 'keep-alive', path: '/balanced' }),
      new Load(port, { clients: 4, mode: 'new' }),
      new Load(port, { clients: 1, mode: 'pipelined', path: '/static' }),
      new Load(port, { clients: 1, mode: 'pipelined' }),
    ];
    for (let generation = 1; generation <= 100; generation++) {
      await daemon.writeConfig(config(generation));
      await hangUp(daemon);
    }
    for (const load of loads) {
      await load.stop();
      expect(load.failures).toEqual([]);
      expect(load.answered).toBeGreaterThan(100);
    }
    // Kept connections were kept all the time.
    expect(loads.map(({ connections }) => connections)).toEqual([24, 8, expect.any(Number), 1, 1]);
    expect(daemon.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    // Nor did the pools begin anew with each generation.
    expect(upstream.connections).toBeLessThan(150);
  });

  it('fail not one request while listeners come and go beside', async () => {
    const action = { type: 'static', status: 200, body_ref: { text: 'ok' } };
    const web = { listen: '127.0.0.1:0', routes: [{ action }] };
    const daemon = await TestDaemon.start({ services: { web } }, { args: ['-watch=false'] });
    closers.push(() => daemon.stop());
    const loads = [
      new Load(daemon.port(), { clients: 8, mode: 'keep-alive' }),
      new Load(daemon.port(), { clients: 4, mode: 'new' }),
    ];
    for (let i = 0; i < 20; i++) {
      await daemon.writeConfig({ services: i % 2 === 0 ? { web, [`other${i}`]: web } : { web } });
      await hangUp(daemon);
    }
    for (const load of loads) expect((await load.stop()).failures).toEqual([]);
  });
});

describe('10,000 routes', () => {
  const config = (note: string): unknown =>
    webConfig([
      { match: { path: '/load' }, action: { type: 'static', status: 200, body_ref: { text: note } } },
      ...Array.from({ length: 10_000 }, (_, i) => ({
        match: { domain: `host-${i}.example.com` },
        action: { type: 'proxy', upstream: `http://127.0.0.1:${20_000 + (i % 1000)}`, headers: { 'X-Route': `${i}` } },
      })),
    ]);

  it('are reloaded while a kept connection goes on being served', async () => {
    const daemon = await TestDaemon.start(config('one'), { args: ['-watch=false'] });
    closers.push(() => daemon.stop());
    const load = new Load(daemon.port(), { clients: 1, mode: 'keep-alive', path: '/load' });
    const longest: number[] = [];
    for (let i = 0; i < 3; i++) {
      await daemon.writeConfig(config(`version ${i}`));
      load.longest = 0;
      await hangUp(daemon);
      longest.push(load.longest);
    }
    expect((await load.stop()).failures).toEqual([]);
    // The budget is 200 ms of event-loop time; the bound here leaves room for a slow machine under load.
    expect(Math.min(...longest)).toBeLessThan(400);
  });
});
