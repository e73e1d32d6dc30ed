import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { Load } from '../testing/load.ts';
import { accepts, freePort } from '../testing/ports.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { run } from '../testing/run-prox.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { freeze, workerPids } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const answer = (text: string): unknown => ({ type: 'static', status: 200, body_ref: { text } });
const service = (listen: string, text: string): unknown => ({ listen, routes: [{ action: answer(text) }] });

async function start(config: unknown, args: string[] = []): Promise<TestDaemon> {
  const daemon = await TestDaemon.start(config, { workers: 2, args });
  closers.push(() => daemon.stop());
  return daemon;
}

async function hangUp(daemon: TestDaemon): Promise<void> {
  const from = daemon.log.length;
  daemon.signal('SIGHUP');
  const line = await daemon.logged(({ msg, level }) => msg === 'config reloaded' || level === 'error', from);
  expect(line.msg).toBe('config reloaded');
}

/** Answers of so many connections, each counted: with enough of them every worker has its share. */
async function answers(port: number, count = 60): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const texts = await Promise.all(
    Array.from({ length: count }, async () => {
      const response = await exchangeRaw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      return response.slice(response.indexOf('\r\n\r\n') + 4);
    }),
  );
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

describe('a reload with two workers', () => {
  it('fails not one request, 100 times under load', async () => {
    const upstream = await TestUpstream.start();
    closers.push(() => upstream.stop());
    const config = (generation: number): unknown =>
      webConfig([
        { match: { path: '/static' }, action: answer(`g${generation}`) },
        { action: { type: 'proxy', upstream: upstream.address, headers: { 'X-Generation': `${generation}` } } },
      ]);
    const daemon = await start(config(0), ['-watch=false']);
    const loads = [
      new Load(daemon.port(), { clients: 16, mode: 'keep-alive' }),
      new Load(daemon.port(), { clients: 4, mode: 'new' }),
      new Load(daemon.port(), { clients: 1, mode: 'pipelined', path: '/static' }),
    ];
    for (let generation = 1; generation <= 100; generation++) {
      await daemon.writeConfig(config(generation));
      await hangUp(daemon);
    }
    for (const load of loads) {
      expect((await load.stop()).failures).toEqual([]);
      expect(load.answered).toBeGreaterThan(100);
    }
    expect(daemon.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
    expect(daemon.log.filter(({ msg }) => msg === 'config reloaded')).toHaveLength(100);
  }, 40_000);

  it('is in force in both of them when the log says so', async () => {
    const daemon = await start({ services: { web: service('127.0.0.1:0', 'before') } });
    expect(await answers(daemon.port())).toEqual({ before: 60 });
    await daemon.reload({ services: { web: service('127.0.0.1:0', 'after') } });
    expect(await answers(daemon.port())).toEqual({ after: 60 });
  });

  it('opens and closes addresses for both', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const daemon = await start({ services: { web: service(`127.0.0.1:${one}`, 'one') } });
    await daemon.reload({ services: { web: service(`127.0.0.1:${two}`, 'two') } });
    expect(await accepts(one)).toBe(false);
    expect(await answers(two, 20)).toEqual({ two: 20 });
  });

  it('puts a wider address in the place of a narrower one, and the other way round', async () => {
    const port = await freePort();
    const daemon = await start({ services: { web: service(`127.0.0.1:${port}`, 'narrow') } });
    expect(await daemon.reload({ services: { web: service(`:${port}`, 'wide') } })).toBe(true);
    expect(await answers(port, 20)).toEqual({ wide: 20 });
    expect(await daemon.reload({ services: { web: service(`127.0.0.1:${port}`, 'narrow') } })).toBe(true);
    expect(await answers(port, 20)).toEqual({ narrow: 20 });
  });

  it('listens on the old address again when the wider one is refused', async () => {
    const port = await freePort();
    const other = await start({ services: { web: service(`127.0.0.2:${port}`, 'other') } });
    const daemon = await start({ services: { web: service(`127.0.0.1:${port}`, 'before') } });
    expect(await daemon.reload({ services: { web: service(`0.0.0.0:${port}`, 'after') } })).toBe(false);
    await daemon.logged(({ msg }) => msg.includes(`cannot listen on 0.0.0.0:${port}`));
    expect(await answers(port, 20)).toEqual({ before: 20 });
    expect(other.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('takes 10,000 routes to both', async () => {
    const routes = (text: string): unknown[] => [
      { match: { path: '/' }, action: answer(text) },
      ...Array.from({ length: 10_000 }, (_, i) => ({
        match: { domain: `host-${i}.example.com` },
        action: { type: 'proxy', upstream: `http://127.0.0.1:${20_000 + (i % 1000)}`, headers: { 'X-Route': `${i}` } },
      })),
    ];
    const daemon = await start(webConfig(routes('before')), ['-watch=false']);
    await daemon.writeConfig(webConfig(routes('after')));
    await hangUp(daemon);
    expect(await answers(daemon.port(), 20)).toEqual({ after: 20 });
  });

  it('serves what is in force in a worker that begins later', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const daemon = await start({ services: { web: service(`127.0.0.1:${one}`, 'before') } });
    await daemon.reload({
      services: { web: service(`127.0.0.1:${one}`, 'after'), more: service(`127.0.0.1:${two}`, 'more') },
    });
    for (const pid of await workerPids(daemon.pid)) {
      const from = daemon.log.length;
      process.kill(pid, 'SIGKILL');
      await daemon.logged(({ msg }) => msg === 'worker ready', from);
    }
    expect([await answers(one, 20), await answers(two, 20)]).toEqual([{ after: 20 }, { more: 20 }]);
  });
});

describe('a reload that fails in one worker', () => {
  it('changes nothing in any, and says why', async () => {
    const port = await freePort();
    const daemon = await start({ services: { web: service('127.0.0.1:0', 'before') } });
    const [pid] = (await workerPids(daemon.pid)) as [number];
    // That worker alone can open no further file, and so no access log.
    const before = await run('prlimit', ['--pid', `${pid}`, '--nofile', '--noheadings', '--raw', '--output', 'SOFT']);
    const limitTo = async (soft: string): Promise<void> => {
      expect((await run('prlimit', ['--pid', `${pid}`, `--nofile=${soft}:`])).stderr).toBe('');
    };
    await limitTo('3');
    const next = { web: service('127.0.0.1:0', 'after'), more: service(`127.0.0.1:${port}`, 'more') };
    const from = daemon.log.length;
    expect(await daemon.reload({ services: next, logging: { access_log: 'access.log' } })).toBe(false);
    await daemon.logged(
      ({ msg }) => /the log file .*access\.log cannot be opened: too many files are open$/.test(msg),
      from,
    );
    expect(await accepts(port)).toBe(false);
    await limitTo(before.stdout.trim());
    expect(await answers(daemon.port())).toEqual({ before: 60 });
    expect(await daemon.reload({ services: next })).toBe(true);
    expect(await answers(port, 20)).toEqual({ more: 20 });
  });

  it('names file, line and column', async () => {
    const daemon = await start({ services: { web: service('127.0.0.1:0', 'before') } });
    const from = daemon.log.length;
    expect(
      await daemon.reload(
        webConfig([{ action: answer('x') }], { acme: { email: 'a@b.example', domains: ['b.example'] } }),
      ),
    ).toBe(false);
    const line = await daemon.logged(({ msg }) => msg.includes('services.web.acme'), from);
    expect(line.msg).toMatch(/^prox\.json5:\d+:\d+: services\.web\.acme: ACME is not supported/);
    expect(await answers(daemon.port(), 20)).toEqual({ before: 20 });
  });

  it('is none when the worker ends meanwhile: another one begins with the new config', async () => {
    const daemon = await start({ services: { web: service('127.0.0.1:0', 'before') } });
    const [pid] = (await workerPids(daemon.pid)) as [number];
    await freeze(pid);
    const from = daemon.log.length;
    const reloading = daemon.reload({ services: { web: service('127.0.0.1:0', 'after') } });
    // The other worker has answered, or will; this one never does.
    await daemon.writeConfig({ services: { web: service('127.0.0.1:0', 'after') } });
    process.kill(pid, 'SIGKILL');
    expect(await reloading).toBe(true);
    await daemon.logged(({ msg }) => msg === 'worker ready', from);
    expect(await answers(daemon.port())).toEqual({ after: 60 });
  });

  it('is none when the only worker hangs: it is ended, and the reload goes on with the next one', async () => {
    const daemon = await TestDaemon.start({ services: { web: service('127.0.0.1:0', 'before') } }, { workers: 1 });
    closers.push(() => daemon.stop());
    const [pid] = (await workerPids(daemon.pid)) as [number];
    await freeze(pid);
    const from = daemon.log.length;
    await daemon.writeConfig({ services: { web: service('127.0.0.1:0', 'after') } });
    await eventually('the reload', () => daemon.log.slice(from).some(({ msg }) => msg === 'config reloaded'), 60_000);
    expect(await answers(daemon.port(), 5)).toEqual({ after: 5 });
  }, 70_000);
});
