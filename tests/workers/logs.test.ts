import { spawn } from 'node:child_process';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { logLines, readLog } from '../testing/access-log.ts';
import { PROX, TestDaemon, webConfig } from '../testing/daemon.ts';
import { failuresIn } from '../testing/failures.ts';
import { Load } from '../testing/load.ts';
import { accepts, freePort } from '../testing/ports.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { folderOf, removeFolder } from '../testing/run-prox.ts';
import { eventually } from '../testing/wait.ts';
import { workerPids } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const OK = { type: 'static', status: 200, body_ref: { text: 'ok' } };

async function start(logging: object, args: string[] = []): Promise<TestDaemon> {
  const routes = [{ match: { path: '/down' }, action: { type: 'proxy', upstream: '127.0.0.1:1' } }, { action: OK }];
  const daemon = await TestDaemon.start(webConfig(routes, {}, { logging }), { workers: 2, args });
  closers.push(() => daemon.stop());
  return daemon;
}

/** Keeps both workers busy until each has answered a good number of requests. @returns how many were answered */
async function requests(daemon: TestDaemon, count = 2000): Promise<number> {
  const load = new Load(daemon.port(), { clients: 8, mode: 'new' });
  const kept = new Load(daemon.port(), { clients: 8, mode: 'keep-alive' });
  await eventually('answers', () => load.answered + kept.answered > count);
  await Promise.all([load.stop(), kept.stop()]);
  expect([load.failed, kept.failed]).toEqual([[], []]);
  return load.answered + kept.answered;
}

describe('an access log of two workers', () => {
  it('has a whole line for each request, and loses none to a rotation by SIGHUP', async () => {
    const daemon = await start({ access_log: 'access.log' }, ['-watch=false']);
    const path = join(daemon.folder, 'access.log');
    let answered = 0;
    for (let nth = 0; nth < 4; nth++) {
      const load = new Load(daemon.port(), { clients: 8, mode: 'keep-alive' });
      const more = new Load(daemon.port(), { clients: 4, mode: 'new' });
      await eventually('answers', () => load.answered > 300 && more.answered > 50);
      await rename(path, `${path}.${nth}`);
      const from = daemon.log.length;
      daemon.signal('SIGHUP');
      await daemon.logged(({ msg }) => msg === 'config reloaded', from);
      await Promise.all([load.stop(), more.stop()]);
      answered += load.answered + more.answered;
    }
    daemon.signal('SIGTERM');
    await daemon.end();
    let lines = 0;
    for (const name of await readdir(daemon.folder)) {
      if (name.startsWith('access.log')) lines += (await readLog(join(daemon.folder, name))).length;
    }
    expect(lines).toBe(answered);
  });

  it('is rotated by one process for both', async () => {
    const daemon = await start({ access_log: 'access.log', rotate: { size: '200k' } });
    const answered = await requests(daemon);
    daemon.signal('SIGTERM');
    await daemon.end();
    const names = (await readdir(daemon.folder)).filter((name) => name.startsWith('access.'));
    let lines = 0;
    for (const name of names) lines += (await readLog(join(daemon.folder, name))).length;
    expect(lines).toBe(answered);
    expect(names.length).toBeGreaterThan(1);
    // With two that rotate, files would be numbered twice over and be cut short.
    const rotated = names.filter((name) => name !== 'access.log');
    expect(rotated).toHaveLength(names.length - 1);
    expect(rotated.map((name) => Number(/^access\.(\d+)\.log$/.exec(name)?.[1])).toSorted((a, b) => a - b)).toEqual(
      rotated.map((_, i) => i + 1),
    );
  });

  it('names a rotating log that cannot be opened, once', async () => {
    const daemon = await TestDaemon.launch(
      webConfig([{ action: OK }], {}, { logging: { access_log: '/proc/x.log', rotate: { size: '1m' } } }),
      { workers: 2 },
    );
    closers.push(() => daemon.stop());
    expect(await daemon.end()).toBe(1);
    expect(daemon.log.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(
        /^prox\.json5:\d+:\d+: logging\.access_log: the log file \/proc\/x\.log cannot be opened: .*ENOENT/,
      ),
      'prox cannot start',
    ]);
  });

  it('goes to a pipe in whole lines, too', async () => {
    const port = await freePort();
    const config = webConfig(
      [{ action: OK }],
      { listen: `127.0.0.1:${port}` },
      { logging: { access_log: '/dev/stdout' } },
    );
    const folder = await folderOf({ 'prox.json5': JSON.stringify(config) });
    closers.push(() => removeFolder(folder));
    const prox = spawn(process.execPath, [PROX, 'serve', '-config', join(folder, 'prox.json5'), '-workers=2'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    const closed = new Promise((resolve) => prox.stdout.once('close', resolve));
    try {
      await eventually('a listener', () => accepts(port));
      const loads = [1, 2].map(() => new Load(port, { clients: 8, mode: 'keep-alive' }));
      // Batches of some 64 KiB from both wait for a pipe that is full: each is written in many parts.
      await eventually('answers', () => loads.every(({ answered }) => answered > 2000));
      prox.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
      await eventually('lines', () => output.length > 500_000);
      await Promise.all(loads.map((load) => load.stop()));
      prox.kill('SIGTERM');
      await closed;
      const lines = output.trimEnd().split('\n');
      expect(lines.filter((line) => !(line.startsWith('{"time":') && line.endsWith('}')))).toEqual([]);
      for (const line of lines) JSON.parse(line);
      expect(lines.length).toBeGreaterThanOrEqual(loads.reduce((sum, { answered }) => sum + answered, 0));
    } finally {
      prox.kill('SIGKILL');
    }
  });
});

describe('the log of prox', () => {
  it('tells which worker a line is from, on the console and in the error log', async () => {
    const daemon = await start({ error_log: 'error.log' });
    for (let nth = 0; nth < 20; nth++) {
      await exchangeRaw(daemon.port(), 'GET /down HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    }
    const lines = await eventually('a line or a count for each request', async () => {
      const written = await readLog(join(daemon.folder, 'error.log'));
      return failuresIn(written) === 20 ? written : null;
    });
    expect(lines.every(({ worker, level }) => (worker === 1 || worker === 2) && level === 'warn')).toBe(true);
    await daemon.logged(({ msg, worker }) => msg === 'exchange failed' && typeof worker === 'number');
  });

  it('has the death of a worker in the error log', async () => {
    const daemon = await start({ error_log: 'error.log' });
    const [pid = 0] = await workerPids(daemon.pid);
    process.kill(pid, 'SIGKILL');
    const [line] = await logLines(join(daemon.folder, 'error.log'), 1);
    expect(line).toMatchObject({ msg: 'a worker has ended; it is replaced', worker: 1, signal: 'SIGKILL' });
  });

  it('takes over a new level in every worker', async () => {
    const daemon = await start({ level: 'info' });
    const bad = 'GET / HTTP/1.1\r\n\r\n';
    for (let nth = 0; nth < 10; nth++) await exchangeRaw(daemon.port(), bad);
    expect(await daemon.reload(webConfig([{ action: OK }], {}, { logging: { level: 'debug' } }))).toBe(true);
    const reached = new Set<unknown>();
    await eventually('a line from each worker', async () => {
      await exchangeRaw(daemon.port(), bad);
      for (const { msg, worker } of daemon.log) if (msg === 'exchange failed') reached.add(worker);
      return reached.size === 2;
    });
    const reloaded = daemon.log.findIndex(({ msg }) => msg === 'config reloaded');
    expect(daemon.log.slice(0, reloaded).filter(({ msg }) => msg === 'exchange failed')).toEqual([]);
  });
});
