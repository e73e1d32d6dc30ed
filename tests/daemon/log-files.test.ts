import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { logLines, readLog } from '../testing/access-log.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { Load } from '../testing/load.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';

const OK = { type: 'static', status: 200, body_ref: { text: 'ok' } };

let daemon: TestDaemon;
afterEach(() => daemon.stop());

/** Reopens every log and waits until the reload that comes with it is done. */
async function hangUp(): Promise<void> {
  const from = daemon.log.length;
  daemon.signal('SIGHUP');
  await daemon.logged(({ msg }) => msg === 'config reloaded', from);
}

describe('log files', () => {
  it('lose and double no line when they are renamed under load and SIGHUP follows', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: OK }], {}, { logging: { access_log: './access.log' } }), {
      args: ['-watch=false'],
    });
    const log = join(daemon.folder, 'access.log');
    const load = new Load(daemon.port(), { clients: 16, mode: 'keep-alive' });
    const files = [log];
    for (let i = 1; i <= 5; i++) {
      const before = load.answered;
      await eventually('some answers', () => load.answered > before + 200);
      await rename(log, `${log}.${i}`);
      files.push(`${log}.${i}`);
      await hangUp();
    }
    expect((await load.stop()).failures).toEqual([]);
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    const lines = (await Promise.all(files.map(readLog))).flat();
    expect(lines).toHaveLength(load.answered);
    expect(new Set(lines.map(({ request_id: id }) => id)).size).toBe(load.answered);
    for (const file of files) expect((await readLog(file)).length).toBeGreaterThan(0);
  });

  it('rotate by size, lose nothing, and keep as many as they should', async () => {
    const logging = { access_log: './access.log', rotate: { size: '100KB', keep: 100 } };
    daemon = await TestDaemon.start(webConfig([{ action: OK }], {}, { logging }));
    const load = new Load(daemon.port(), { clients: 8, mode: 'keep-alive' });
    const names = async (): Promise<string[]> =>
      (await readdir(daemon.folder)).filter((name) => name.startsWith('access'));
    await eventually('five files', async () => (await names()).length >= 5);
    expect((await load.stop()).failures).toEqual([]);
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    const lines = await Promise.all((await names()).map((name) => readLog(join(daemon.folder, name))));
    expect(lines.flat()).toHaveLength(load.answered);
    expect(await names()).toEqual(expect.arrayContaining(['access.log', 'access.1.log']));
  });

  it('hold warnings and errors in error_log, and nothing else', async () => {
    const routes = [{ match: { path: '/down' }, action: { type: 'proxy', upstream: '127.0.0.1:1' } }, { action: OK }];
    daemon = await TestDaemon.start(webConfig(routes, {}, { logging: { error_log: './error.log' } }));
    await exchangeRaw(daemon.port(), 'GET /down HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await daemon.reload('{');
    const lines = await logLines(join(daemon.folder, 'error.log'), 3);
    expect(lines[0]).toMatchObject({ level: 'warn', msg: 'exchange failed', route: 'web:0', path: '/down' });
    expect(lines[0]?.['error']).toMatchObject({ code: 'dial_failed', source: 'upstream' });
    expect(lines.slice(1).map(({ level }) => level)).toEqual(lines.slice(1).map(() => 'error'));
    expect(lines.some(({ msg }) => /prox\.json5:1:\d/.test(String(msg)))).toBe(true);
  });

  it('change with a reload of error_log', async () => {
    const config = (name: string): unknown =>
      webConfig([{ action: { type: 'proxy', upstream: '127.0.0.1:1' } }], {}, { logging: { error_log: name } });
    daemon = await TestDaemon.start(config('./one.log'));
    await daemon.reload(config('./two.log'));
    await exchangeRaw(daemon.port(), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await logLines(join(daemon.folder, 'two.log'), 1);
    expect(await readLog(join(daemon.folder, 'one.log'))).toEqual([]);
  });

  it('are neither reopened nor watched as files of the config', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: OK }], {}, { logging: { access_log: './access.log' } }));
    await exchangeRaw(daemon.port(), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await logLines(join(daemon.folder, 'access.log'), 1);
    await writeFile(join(daemon.folder, 'notes.txt'), 'nothing to do with it');
    // A change that counts comes after: whatever the others set off would have come before it.
    expect(await daemon.reload(webConfig([{ action: OK }]))).toBe(true);
    expect(daemon.log.filter(({ msg }) => msg === 'config reloaded')).toHaveLength(1);
  });

  it('are not readable by all users', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: OK }], {}, { logging: { access_log: './access.log' } }));
    const { mode } = await import('node:fs/promises').then(({ stat }) => stat(join(daemon.folder, 'access.log')));
    expect(mode & 0o007).toBe(0);
    expect(await readFile(join(daemon.folder, 'access.log'), 'utf8')).toBe('');
  });
});
