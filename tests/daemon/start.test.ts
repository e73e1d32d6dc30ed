import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PROX, TestDaemon, webConfig } from '../testing/daemon.ts';
import { accepts, freePort } from '../testing/ports.ts';
import { exchangeRaw } from '../testing/raw-client.ts';

const STATIC = { type: 'static', status: 200, body_ref: { text: 'ok' } };

let daemon: TestDaemon | null = null;
afterEach(async () => {
  await daemon?.stop();
  daemon = null;
});

/** Starts a daemon that is to fail, and returns what it says. */
async function refusal(
  config: unknown,
  files: Record<string, string> = {},
): Promise<{ code: unknown; errors: string[] }> {
  daemon = await TestDaemon.launch(config, { files });
  const code = await daemon.end();
  return { code, errors: daemon.log.filter(({ level }) => level === 'error').map(({ msg }) => msg) };
}

describe('a start that fails', () => {
  it('names place and address when the port is taken', async () => {
    const other = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
    const config = `{
  services: {
    free: { listen: '127.0.0.1:0', routes: [{ action: { type: 'drop' } }] },
    web: {
      listen: '127.0.0.1:${port}',
      routes: [{ action: { type: 'drop' } }],
    },
  },
}`;
    const { code, errors } = await refusal(config);
    other.close();
    expect(code).toBe(1);
    expect(errors).toEqual([
      `prox.json5:5:15: services.web.listen: cannot listen on 127.0.0.1:${port}: the address is in use by another process`,
      'prox cannot start',
    ]);
  });

  it('names an address that this machine does not have', async () => {
    const { code, errors } = await refusal(webConfig([{ action: STATIC }], { listen: '192.0.2.1:8080' }));
    expect(code).toBe(1);
    expect(errors[0]).toMatch(
      /^prox\.json5:4:17: services\.web\.listen: cannot listen on 192\.0\.2\.1:8080: no interface/,
    );
  });

  it('names a folder of a unix socket that is not there', async () => {
    const { code, errors } = await refusal(webConfig([{ action: STATIC }], { listen: 'unix:///nowhere/prox.sock' }));
    expect(code).toBe(1);
    expect(errors[0]).toContain(
      'cannot listen on unix:///nowhere/prox.sock: not permitted, or its folder does not exist',
    );
  });

  it.each(['access_log', 'error_log'])('names the place of an %s in a folder that is not there', async (key) => {
    const { code, errors } = await refusal(
      webConfig([{ action: STATIC }], {}, { logging: { [key]: '/nowhere/x.log' } }),
    );
    expect(code).toBe(1);
    expect(errors).toEqual([
      expect.stringMatching(
        new RegExp(
          String.raw`^prox\.json5:\d+:\d+: logging\.${key}: the log file /nowhere/x\.log cannot be opened: its folder /nowhere does not exist`,
        ),
      ),
      'prox cannot start',
    ]);
  });

  // A folder that is there, in which no file can be made: only opening the log finds that out.
  it.each(['access_log', 'error_log'])('names the place of an %s that the system does not open', async (key) => {
    const { code, errors } = await refusal(webConfig([{ action: STATIC }], {}, { logging: { [key]: '/proc/x.log' } }));
    expect(code).toBe(1);
    expect(errors).toEqual([
      expect.stringMatching(
        new RegExp(
          String.raw`^prox\.json5:\d+:\d+: logging\.${key}: the log file /proc/x\.log cannot be opened: .*ENOENT`,
        ),
      ),
      'prox cannot start',
    ]);
  });

  it('lists every problem of a broken config', async () => {
    const { code, errors } = await refusal(
      `{ services: { web: { listen: ':1', routes: [{ action: 'a' }, { action: 'b' }] } } }`,
    );
    expect(code).toBe(1);
    expect(errors).toEqual([
      expect.stringMatching(/^prox\.json5:1:55: services\.web\.routes\[0\]\.action: .*`a`/),
      expect.stringMatching(/^prox\.json5:1:72: services\.web\.routes\[1\]\.action: .*`b`/),
      'prox cannot start',
    ]);
  });

  it('names a balancer whose targets only a plugin could bring', async () => {
    const config = `{ plugins: { cron: { path: './cron.ts', autostart: true } }, services: { web: { listen: '127.0.0.1:0', routes: [
  { balancer: { type: 'random' }, action: { type: 'proxy', upstream: '{target}' } }] } } }`;
    const { code, errors } = await refusal(config, { 'cron.ts': '' });
    expect(code).toBe(1);
    expect(errors[0]).toBe(
      'prox.json5:2:3: services.web.routes (web:0).balancer: running external plugins, which would add its targets, is not supported by this version of prox',
    );
  });

  it('lists everything that this version does not serve, each at its place', async () => {
    const config = `{
  plugins: { auth: { path: './auth.ts' } },
  services: {
    web: {
      listen: '127.0.0.1:0',
      plugins: ['auth'],
      routes: [{ action: 'gone' }, { action: 'gone' }],
    },
    secure: {
      listen: '127.0.0.1:0',
      acme: { email: 'a@example.com', domains: ['example.com'] },
      routes: [{ action: 'gone' }],
    },
  },
  actions: { gone: { type: 'static', status: 410, plugins: ['auth'] } },
}`;
    const { code, errors } = await refusal(config, { 'auth.ts': '' });
    const what = 'is not supported by this version of prox';
    expect(code).toBe(1);
    expect(errors).toEqual([
      `prox.json5:6:16: services.web.plugins: running external plugins ${what}`,
      `prox.json5:15:20: actions.gone: running external plugins ${what}`,
      `prox.json5:11:13: services.secure.acme: ACME ${what}`,
      'prox cannot start',
    ]);
  });
});

describe('a start', () => {
  it('replaces a unix socket on which no process listens any more', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: STATIC }]));
    const path = join(daemon.folder, 'prox.sock');
    const config = webConfig([{ action: STATIC }], { listen: `unix://${path}` });
    const first = await TestDaemon.start(config);
    first.signal('SIGKILL');
    await first.exited;
    const second = await TestDaemon.start(config);
    expect(await accepts(path)).toBe(true);
    await first.stop();
    await second.stop();
  });

  it('gives each service with port 0 a port of its own', async () => {
    const service = (text: string): unknown => ({
      listen: '127.0.0.1:0',
      routes: [{ action: { type: 'static', status: 200, body_ref: { text } } }],
    });
    daemon = await TestDaemon.start({ services: { one: service('first'), two: service('second') } });
    expect(await (await fetch(daemon.url('/', 'one'))).text()).toBe('first');
    expect(await (await fetch(daemon.url('/', 'two'))).text()).toBe('second');
  });

  it('tells that admin is not served', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: STATIC }], {}, { admin: { listen: '127.0.0.1:0' } }));
    expect(await daemon.logged(({ level, msg }) => level === 'warn' && msg.includes('admin'))).toBeDefined();
  });

  it('listens within moments', async () => {
    daemon = await TestDaemon.start(webConfig([{ action: STATIC }]));
    const ready = await daemon.logged(({ msg }) => msg === 'ready');
    // It takes 150 ms on an idle machine; the bound only catches what is out of all proportion.
    expect(ready['start_ms']).toBeLessThan(3000);
    expect(await exchangeRaw(daemon.port(), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toContain(
      '200 OK',
    );
  });
});

describe('the bundle', () => {
  it('loads no HTTP library of Node, which would cost a good part of the start', async () => {
    const imports = [...(await readFile(PROX, 'utf8')).matchAll(/^import [^;]*? from "(node:[^"]+)";$/gm)];
    expect(imports.map(([, name]) => name)).toContain('node:net');
    expect(imports.filter(([, name]) => /^node:(http|https|http2)$/.test(name ?? ''))).toEqual([]);
  });
});
