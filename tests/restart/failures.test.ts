import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PROX, TestDaemon, webConfig } from '../testing/daemon.ts';
import { Load } from '../testing/load.ts';
import { restart } from '../testing/restart.ts';
import { isAlive, killIfAlive } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const ROUTES = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];
const CONFIG = webConfig(ROUTES);
const FAILED = 'restart failed; this process continues to serve';

async function start(workers: number, args: readonly string[] = ['-watch=false']): Promise<TestDaemon> {
  const daemon = await TestDaemon.start(CONFIG, { workers, args });
  closers.push(() => daemon.stop());
  return daemon;
}

/** Has a restart fail while clients are served. @returns the lines of the log from the signal on */
async function failing(daemon: TestDaemon, during: () => void | Promise<void> = () => {}): Promise<string[]> {
  const from = daemon.log.length;
  const load = new Load(daemon.port(), { clients: 4, mode: 'new' });
  daemon.signal('SIGUSR2');
  await during();
  await daemon.logged(({ msg }) => msg === FAILED, from);
  expect((await load.stop()).failures).toEqual([]);
  expect(load.answered).toBeGreaterThan(0);
  return daemon.log.slice(from).map(({ msg }) => msg);
}

describe('a restart that fails', () => {
  it.each([0, 1])(
    'leaves prox as it was, and names each problem of the config with its place (%d workers)',
    async (n) => {
      const daemon = await start(n);
      await daemon.writeConfig('{ services: { web: { listen: ":1", rutes: [] } } }');
      const log = await failing(daemon);
      expect(log).toContainEqual(expect.stringMatching(/prox\.json5:1:\d+: .*rutes/));
      // The next one finds it mended.
      await daemon.writeConfig(CONFIG);
      const next = await restart(daemon, daemon.pid);
      closers.push(async () => killIfAlive(next));
      expect(await daemon.end()).toBe(0);
    },
  );

  it('names an address that cannot be bound', async () => {
    const daemon = await start(0);
    const other = await TestDaemon.start(CONFIG);
    closers.push(() => other.stop());
    await daemon.writeConfig({ services: { more: { listen: `127.0.0.1:${other.port()}`, routes: ROUTES } } });
    const log = await failing(daemon);
    expect(log).toContainEqual(expect.stringContaining('the address is in use by another process'));
  });

  it('leaves prox as it was when its program is gone', async () => {
    const folder = await TestDaemon.launch(CONFIG);
    closers.push(() => folder.stop());
    const program = join(folder.folder, 'prox.mjs');
    await copyFile(PROX, program);
    const daemon = await TestDaemon.start(CONFIG, { program });
    closers.push(() => daemon.stop());
    await rename(program, `${program}.gone`);
    expect(await failing(daemon)).toContain('it ended with status 1 before it was ready');
    await rm(`${program}.gone`);
  });

  it('leaves prox as it was when the successor is killed', async () => {
    const daemon = await start(1);
    const from = daemon.log.length;
    const log = await failing(daemon, async () => {
      const line = await daemon.logged(({ msg }) => msg === 'restarting', from);
      process.kill(line['successor'] as number, 'SIGKILL');
    });
    expect(log).toContain('it was ended by SIGKILL before it was ready');
  });
});

describe('during a restart', () => {
  /** A successor that stands still. @returns its process id */
  async function frozen(daemon: TestDaemon): Promise<number> {
    daemon.signal('SIGUSR2');
    const line = await daemon.logged(({ msg }) => msg === 'restarting');
    const pid = line['successor'] as number;
    process.kill(pid, 'SIGSTOP');
    closers.push(async () => killIfAlive(pid));
    return pid;
  }

  it('another one is refused', async () => {
    const daemon = await start(0);
    const pid = await frozen(daemon);
    daemon.signal('SIGUSR2');
    const line = await daemon.logged(({ msg }) => msg === 'restart refused');
    expect(line['why']).toBe('another restart is in progress');
    process.kill(pid, 'SIGCONT');
    await daemon.logged(({ msg }) => msg.startsWith('restarted'));
  });

  it('SIGTERM ends both, even a successor that stands still', async () => {
    const daemon = await start(0);
    const pid = await frozen(daemon);
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    expect(await isAlive(pid)).toBe(false);
  });

  it('SIGHUP waits, and is for the successor when there is one', async () => {
    const daemon = await start(0);
    const pid = await frozen(daemon);
    daemon.signal('SIGHUP');
    process.kill(pid, 'SIGCONT');
    await daemon.logged(({ msg }) => msg.startsWith('restarted'));
    await daemon.logged(({ msg }) => msg === 'config reloaded');
    expect(await daemon.end()).toBe(0);
  });

  it('the successor ends with the process that has started it', async () => {
    const daemon = await start(0);
    const pid = await frozen(daemon);
    daemon.signal('SIGKILL');
    await daemon.end();
    process.kill(pid, 'SIGCONT');
    await daemon.silence();
    expect(await isAlive(pid)).toBe(false);
  });
});
