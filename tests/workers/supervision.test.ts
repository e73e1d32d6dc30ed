import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { accepts } from '../testing/ports.ts';
import { RawClient } from '../testing/raw-client.ts';
import { runProx } from '../testing/run-prox.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { freeze, isAlive, killIfAlive, workerPids } from '../testing/worker-processes.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const HOLD = 'GET /hold HTTP/1.1\r\nHost: a\r\n\r\n';

let daemon: TestDaemon;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(limits: object = {}, workers = 2): Promise<TestUpstream> {
  const upstream = await TestUpstream.start();
  closers.push(() => upstream.stop());
  const routes = [{ action: { type: 'proxy', upstream: upstream.address } }];
  daemon = await TestDaemon.start(webConfig(routes, { config: limits }), { workers });
  closers.push(() => daemon.stop());
  return upstream;
}

async function client(): Promise<RawClient> {
  const made = await RawClient.connect(daemon.port());
  closers.push(async () => made.destroy());
  return made;
}

/** Waits until none of these processes is alive. */
async function allEnded(pids: readonly number[]): Promise<void> {
  for (const pid of pids) await eventually(`process ${pid} to end`, async () => !(await isAlive(pid)));
}

describe('prox serve', () => {
  it('says once what it does, and how many workers it has', async () => {
    await start();
    expect(daemon.log.map(({ msg }) => msg)).toEqual(['listening', 'ready']);
    expect(daemon.log.at(-1)).toMatchObject({ workers: 2, process: daemon.pid });
    expect(await workerPids(daemon.pid)).toHaveLength(2);
  });

  it('leaves no worker behind when it cannot start', async () => {
    await start();
    const other = await TestDaemon.launch(
      webConfig([{ action: { type: 'drop' } }], { listen: `127.0.0.1:${daemon.port()}` }),
      { workers: 2 },
    );
    closers.push(() => other.stop());
    expect(await other.end()).toBe(1);
    expect(other.log.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^prox\.json5:4:17: services\.web\.listen: cannot listen on .*in use by another process$/),
      'prox cannot start',
    ]);
  });
});

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it('lets every worker finish what is in flight, and accept nothing new', async () => {
    const upstream = await start();
    const port = daemon.port();
    const pids = await workerPids(daemon.pid);
    const busy = await Promise.all(Array.from({ length: 8 }, client));
    for (const each of busy) each.send(HOLD);
    await upstream.holds(8);
    const idle = await client();
    await idle.send(GET).sees('ok');
    // A terminal sends it to workers too.
    for (const pid of pids) process.kill(pid, signal);
    daemon.signal(signal);
    await idle.toEnd();
    await eventually('the listener to close', async () => !(await accepts(port)));
    for (const _ of busy) upstream.release('the end');
    for (const each of busy) expect(await each.toEnd()).toMatch(/200 OK[\s\S]*Connection: close[\s\S]*the end$/);
    expect(await daemon.end()).toBe(0);
    await allEnded(pids);
    expect(daemon.log.map(({ msg }) => msg).slice(-2)).toEqual(['stopping', 'stopped']);
  });
});

describe('stopping', () => {
  it('cuts at shutdown_timeout in every worker, and says how much', async () => {
    const upstream = await start({ shutdown_timeout: '300ms' });
    const busy = await Promise.all(Array.from({ length: 6 }, client));
    for (const each of busy) each.send(HOLD);
    await upstream.holds(6);
    daemon.signal('SIGTERM');
    for (const each of busy) expect(await each.toEnd()).toBe('');
    expect(await daemon.end()).toBe(0);
    expect(daemon.log.find(({ msg }) => msg.startsWith('connections were cut'))?.['connections']).toBe(6);
  });

  it('ends workers at once on a second signal', async () => {
    const upstream = await start();
    const pids = await workerPids(daemon.pid);
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGTERM');
    await daemon.logged(({ msg }) => msg === 'stopping');
    daemon.signal('SIGINT');
    expect(await daemon.end()).toBe(1);
    await allEnded(pids);
  });

  it('ends a worker that hangs, too', async () => {
    await start({ shutdown_timeout: '100ms' });
    const [pid] = (await workerPids(daemon.pid)) as [number];
    await freeze(pid);
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    expect(await isAlive(pid)).toBe(false);
  });
});

describe('a supervisor that is killed', () => {
  it('leaves no address bound, lets exchanges finish, and leaves no process', async () => {
    const upstream = await start();
    const port = daemon.port();
    const pids = await workerPids(daemon.pid);
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGKILL');
    await daemon.exited;
    await eventually('the address to be free', async () => !(await accepts(port)));
    upstream.release('the end');
    expect(await busy.toEnd()).toMatch(/the end$/);
    await allEnded(pids);
  });

  it('leaves workers that end at once on a signal, because no supervisor can tell them to', async () => {
    const upstream = await start();
    const pids = await workerPids(daemon.pid);
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGKILL');
    await eventually('the address to be free', async () => !(await accepts(daemon.port())));
    for (const pid of pids) killIfAlive(pid, 'SIGTERM');
    await allEnded(pids);
    expect(await busy.toEnd()).toBe('');
  });

  it('leaves no process for longer than shutdown_timeout', async () => {
    const upstream = await start({ shutdown_timeout: '300ms' });
    const pids = await workerPids(daemon.pid);
    const busy = await client();
    busy.send(HOLD);
    await upstream.holds(1);
    daemon.signal('SIGKILL');
    expect(await busy.toEnd()).toBe('');
    await allEnded(pids);
  });
});

describe('prox worker', () => {
  it('refuses to run for anybody but the supervisor', async () => {
    const { code, stderr } = await runProx(['worker']);
    expect([code, stderr]).toEqual([1, 'prox serve starts its workers itself; run prox serve\n']);
  });
});
