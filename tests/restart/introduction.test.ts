import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { folderOf, removeFolder } from '../testing/run-prox.ts';
import { eventually } from '../testing/wait.ts';
import { isAlive, killIfAlive } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Slow {
  readonly daemon: TestDaemon;
  /** What the service manager was told, a line for each message. */
  told(): Promise<string>;
  /** Lets it take messages at once from now on. */
  hurry(): Promise<void>;
}

/** A daemon whose service manager takes long to understand that a successor serves. */
async function start(): Promise<Slow> {
  const folder = await folderOf({ 'systemd-notify': '' });
  closers.push(() => removeFolder(folder));
  const helper = join(folder, 'systemd-notify');
  const toldIn = join(folder, 'told');
  const script = `#!/bin/sh\necho "$@" >> ${toldIn}\n[ -e ${folder}/slow ] && exec sleep 2\nexit 0\n`;
  await writeFile(helper, script);
  await chmod(helper, 0o755);
  const routes = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];
  const daemon = await TestDaemon.start(webConfig(routes), {
    args: ['-watch=false', '-pid-file=prox.pid'],
    env: { NOTIFY_SOCKET: '/nowhere', PATH: `${folder}:${process.env['PATH']}` },
  });
  closers.push(() => daemon.stop());
  const told = (): Promise<string> => readFile(toldIn, 'utf8').catch(() => '');
  await eventually('the manager to be told', async () => (await told()).includes('READY=1'));
  await writeFile(join(folder, 'slow'), '');
  return { daemon, told, hurry: () => removeFolder(join(folder, 'slow')) };
}

/** A successor that serves, which the one before does not know yet. @returns its process id */
async function unknown(daemon: TestDaemon): Promise<number> {
  daemon.signal('SIGUSR2');
  const line = await daemon.logged(({ msg, predecessor }) => msg === 'ready' && predecessor === daemon.pid);
  const pid = line['process'] as number;
  closers.push(async () => killIfAlive(pid));
  return pid;
}

describe('a successor that serves and is killed before that is known', () => {
  it('leaves the pid file and the service manager to the one before, which goes on', async () => {
    const { daemon, told, hurry } = await start();
    const path = join(daemon.folder, 'prox.pid');
    const pid = await unknown(daemon);
    expect(await readFile(path, 'utf8')).toBe(`${pid}\n`);
    await eventually('the manager to be told', async () => (await told()).includes(`MAINPID=${pid}`));
    await hurry();
    process.kill(pid, 'SIGKILL');
    await daemon.logged(({ msg }) => msg.startsWith('restart failed'));
    await eventually('the file', async () => (await readFile(path, 'utf8')) === `${daemon.pid}\n`);
    await eventually('the manager', async () => {
      const last = (await told()).trimEnd().split('\n').at(-1);
      return last?.startsWith(`READY=1 MAINPID=${daemon.pid} STATUS=Serving; the last restart failed`);
    });
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
  });
});

describe('a successor that is to restart before it is known', () => {
  it('does so afterwards, so that one generation is left', async () => {
    const { daemon, told, hurry } = await start();
    const second = await unknown(daemon);
    await eventually('the manager to be told', async () => (await told()).includes(`MAINPID=${second}`));
    await hurry();
    process.kill(second, 'SIGUSR2');
    const line = await daemon.logged(({ msg, predecessor }) => msg === 'ready' && predecessor === second);
    const third = line['process'] as number;
    closers.push(async () => killIfAlive(third));
    expect(await daemon.end()).toBe(0);
    await eventually('the second to end', async () => !(await isAlive(second)));
    expect(await isAlive(third)).toBe(true);
    expect(daemon.log.filter(({ msg }) => msg.startsWith('restart failed'))).toEqual([]);
  });
});
