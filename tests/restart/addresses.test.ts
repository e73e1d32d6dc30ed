import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { accepts } from '../testing/ports.ts';
import { RawClient } from '../testing/raw-client.ts';
import { restart } from '../testing/restart.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';
import { killIfAlive } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const routes = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];

function statusAt(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path }, () => socket.end('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'));
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve(text.slice(0, 12)));
  });
}

async function start(config: (folder: string) => unknown, args: string[] = [], workers = 1): Promise<TestDaemon> {
  const daemon = await TestDaemon.start('', {
    workers,
    args: ['-watch=false', ...args],
    async prepare(folder) {
      await writeFile(join(folder, 'prox.json5'), JSON.stringify(config(folder)));
      return join(folder, 'prox.json5');
    },
  });
  closers.push(() => daemon.stop());
  return daemon;
}

/** The next generation, when the one before has ended. */
async function next(daemon: TestDaemon): Promise<number> {
  const pid = await restart(daemon, daemon.pid);
  closers.push(async () => killIfAlive(pid));
  expect(await daemon.end()).toBe(0);
  return pid;
}

describe('a restart', () => {
  it.each([0, 1])(
    'leaves the file of a unix socket where it is until the last generation ends (%d workers)',
    async (n) => {
      const daemon = await start(
        (folder) => ({ services: { web: { listen: `unix://${folder}/w.sock`, routes } } }),
        [],
        n,
      );
      const path = join(daemon.folder, 'w.sock');
      const pid = await next(daemon);
      expect(await statusAt(path)).toBe('HTTP/1.1 200');
      process.kill(pid, 'SIGTERM');
      await daemon.silence();
      expect(existsSync(path)).toBe(false);
    },
  );

  it('closes addresses that the config has no longer, and binds those that it has now', async () => {
    const daemon = await start((folder) => ({
      services: { web: { listen: '127.0.0.1:0', routes }, old: { listen: `unix://${folder}/old.sock`, routes } },
    }));
    const port = daemon.port();
    await daemon.writeConfig({
      services: {
        web: { listen: '127.0.0.1:0', routes },
        new: { listen: `unix://${daemon.folder}/new.sock`, routes },
      },
    });
    await next(daemon);
    expect(await accepts(port)).toBe(true);
    expect(existsSync(join(daemon.folder, 'old.sock'))).toBe(false);
    expect(await statusAt(join(daemon.folder, 'new.sock'))).toBe('HTTP/1.1 200');
  });
});

describe('-pid-file', () => {
  it('has the process id, of the successor after a restart, and goes with it', async () => {
    const stale = '99999\n';
    const daemon = await TestDaemon.start(webConfig(routes), {
      args: ['-pid-file', 'prox.pid'],
      files: { 'prox.pid': stale },
    });
    closers.push(() => daemon.stop());
    const path = join(daemon.folder, 'prox.pid');
    expect(await readFile(path, 'utf8')).toBe(`${daemon.pid}\n`);
    const pid = await next(daemon);
    expect(await readFile(path, 'utf8')).toBe(`${pid}\n`);
    process.kill(pid, 'SIGTERM');
    await eventually('the file to go', () => !existsSync(path));
  });

  it('goes with a second signal, too', async () => {
    const upstream = await TestUpstream.start();
    closers.push(() => upstream.stop());
    const daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: upstream.address } }]), {
      args: ['-pid-file', 'prox.pid'],
    });
    closers.push(() => daemon.stop());
    const client = await RawClient.connect(daemon.port());
    closers.push(async () => client.destroy());
    client.send('GET /hold HTTP/1.1\r\nHost: a\r\n\r\n');
    await upstream.holds(1);
    daemon.signal('SIGTERM');
    await daemon.logged(({ msg }) => msg === 'stopping');
    daemon.signal('SIGINT');
    expect(await daemon.end()).toBe(1);
    expect(await readdir(daemon.folder)).toEqual(['prox.json5']);
  });

  it('is an error at start where it cannot be written', async () => {
    const daemon = await TestDaemon.launch(webConfig(routes), { args: ['-pid-file=/nowhere/prox.pid'] });
    closers.push(() => daemon.stop());
    expect(await daemon.end()).toBe(1);
    expect(daemon.log[0]?.msg).toMatch(/^cannot write the pid file \/nowhere\/prox\.pid: ENOENT/);
  });
});
