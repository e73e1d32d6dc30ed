import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { logLines } from '../testing/access-log.ts';
import { eventually } from '../testing/wait.ts';

/** Configs that were written for the Go prox, and what they do there. */

let daemon: TestDaemon;
afterEach(() => daemon.stop());

describe('answers', () => {
  it('are pages where a text is one', async () => {
    const page = (text: string): unknown => ({ type: 'static', status: 200, body_ref: { text } });
    daemon = await TestDaemon.start(
      webConfig([{ match: { path: '/page' }, action: page('<!doctype html><p>{path}') }, { action: page('a <p>') }]),
    );
    const answer = await fetch(daemon.url('/page'));
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(await answer.text()).toBe('<!doctype html><p>/page');
    expect((await fetch(daemon.url('/'))).headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });
});

describe('the access log', () => {
  it('has the keys of the Go prox where that is asked for', async () => {
    const routes = [{ match: { path: '/a' }, action: { type: 'static', status: 201 } }];
    const logging = { access_log: 'access.log', access_format: 'prox-go' };
    daemon = await TestDaemon.start(webConfig(routes, {}, { logging }));
    await (await fetch(daemon.url('/a?q=1'), { headers: { 'User-Agent': 'me/1' } })).text();
    await (await fetch(daemon.url('/none'))).text();
    const [first, second] = await logLines(join(daemon.folder, 'access.log'), 2);
    const keys = ['ts', 'service', 'method', 'path', 'status', 'duration_ms', 'bytes_out', 'client_ip', 'user_agent'];
    expect(Object.keys(first ?? {})).toEqual(keys);
    const common = { service: 'web', method: 'GET', client_ip: '127.0.0.1' };
    expect(first).toMatchObject({ ...common, path: '/a', status: 201, user_agent: 'me/1' });
    expect(second).toMatchObject({ ...common, path: '/none', status: 404 });
  });
});

describe('a root that is not there yet', () => {
  it('is warned of, and served from when it is made', async () => {
    const cache = { max_age: '50ms' };
    daemon = await TestDaemon.start(webConfig([{ action: { type: 'serve', root: './dist', cache } }]));
    const warning = await daemon.logged(({ level, msg }) => level === 'warn' && msg.includes('it does not exist'));
    expect(warning.msg).toContain('requests get 404 until it is there');
    expect((await fetch(daemon.url('/a.txt'))).status).toBe(404);
    await mkdir(join(daemon.folder, 'dist'));
    await writeFile(join(daemon.folder, 'dist/a.txt'), 'here');
    await eventually('the file', async () => (await (await fetch(daemon.url('/a.txt'))).text()) === 'here');
  });
});
