import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AccessLine, logLines, readLog } from '../testing/access-log.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';

const KEYS = [
  'time',
  'request_id',
  'client_addr',
  'host',
  'user_agent',
  'route',
  'upstream_addr',
  'protocol',
  'method',
  'path',
  'query',
  'referer',
  'status',
  'bytes_in',
  'bytes_out',
  'duration_ms',
  'upstream_connect_ms',
  'upstream_header_ms',
  'upstream_response_ms',
  'error',
];

const FIELDS = 'User-Agent: agent/1\r\nReferer: http://from/\r\n';
const UNREACHED = {
  upstream_addr: null,
  upstream_connect_ms: null,
  upstream_header_ms: null,
  upstream_response_ms: null,
};

let upstream: TestUpstream;
let daemon: TestDaemon;
let log: string;
let seen = 0;

beforeAll(async () => {
  upstream = await TestUpstream.start((request, response) => {
    request.resume().on('end', () => response.end('from the upstream'));
  });
  const prepare = async (folder: string): Promise<string> => {
    await mkdir(join(folder, 'www'));
    await writeFile(join(folder, 'www/page.html'), '<p>page</p>');
    return join(folder, 'prox.json5');
  };
  const routes = [
    { match: { path: '/static' }, action: { type: 'static', status: 201, body_ref: { text: 'static' } } },
    { match: { path: '/files/*' }, action: { type: 'serve', root: './www' } },
    { match: { path: '/drop' }, action: { type: 'drop' } },
    { match: { path: '/proxy/*,/hold' }, action: { type: 'proxy', upstream: upstream.address } },
    { match: { path: '/down' }, action: { type: 'proxy', upstream: '127.0.0.1:1' } },
  ];
  daemon = await TestDaemon.start(webConfig(routes, {}, { logging: { access_log: './access.log' } }), { prepare });
  log = join(daemon.folder, 'access.log');
});
afterAll(async () => {
  await daemon.stop();
  await upstream.stop();
});

/** Sends a request on a connection of its own and returns its answer and its line of the log. */
async function logged(
  request: string,
  before?: (client: RawClient) => Promise<void>,
): Promise<{ line: AccessLine; got: string; sent: number }> {
  const client = await RawClient.connect(daemon.port());
  client.send(request);
  if (before === undefined) await client.toEnd();
  else await before(client);
  client.destroy();
  // Lines wait for a second; SIGHUP has them written at once.
  const again = setInterval(() => daemon.signal('SIGHUP'), 50);
  const lines = await logLines(log, seen + 1).finally(() => clearInterval(again));
  expect(lines).toHaveLength(seen + 1);
  const line = lines[seen++];
  expect(Object.keys(line)).toEqual(KEYS);
  expect(line['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(Math.abs(Date.parse(String(line['time'])) - Date.now())).toBeLessThan(60_000);
  expect(line['request_id']).toMatch(/^[0-9a-f]{20}$/);
  expect(line['client_addr']).toBe('127.0.0.1');
  expect(line['duration_ms']).toBeGreaterThanOrEqual(0);
  return { line, got: client.received, sent: request.length };
}

const close = `Host: Site.Test:80\r\n${FIELDS}Connection: close\r\n\r\n`;

describe('a line of the access log', () => {
  it('tells all of a static answer', async () => {
    const { line, got, sent } = await logged(`GET /static?a=1&b HTTP/1.1\r\n${close}`);
    expect(line).toMatchObject({
      method: 'GET',
      host: 'Site.Test:80',
      path: '/static',
      query: 'a=1&b',
      protocol: 'HTTP/1.1',
      status: 201,
      bytes_in: sent,
      bytes_out: got.length,
      route: 'web:0',
      user_agent: 'agent/1',
      referer: 'http://from/',
      error: null,
      ...UNREACHED,
    });
  });

  it('tells all of a served file', async () => {
    const { line, got } = await logged(`GET /files/page.html HTTP/1.1\r\n${close}`);
    expect(got).toContain('<p>page</p>');
    expect(line).toMatchObject({
      path: '/files/page.html',
      query: null,
      status: 200,
      bytes_out: got.length,
      route: 'web:1',
      ...UNREACHED,
    });
  });

  it('tells of a file that is not there', async () => {
    const { line } = await logged(`GET /files/none HTTP/1.1\r\n${close}`);
    expect(line).toMatchObject({ status: 404, route: 'web:1', error: 'not_found' });
  });

  it('tells all of a proxied exchange, body included', async () => {
    const { line, got, sent } = await logged(`POST /proxy/x HTTP/1.1\r\nContent-Length: 5\r\n${close}hello`);
    expect(got).toContain('from the upstream');
    expect(line).toMatchObject({
      method: 'POST',
      path: '/proxy/x',
      status: 200,
      bytes_in: sent,
      bytes_out: got.length,
      route: 'web:3',
      upstream_addr: upstream.address,
      error: null,
    });
    expect(line['upstream_connect_ms']).toBeGreaterThan(0);
    expect(line['upstream_header_ms']).toBeGreaterThan(0);
    expect(line['upstream_response_ms']).toBeGreaterThanOrEqual(line['upstream_header_ms'] as number);
    expect(line['duration_ms']).toBeGreaterThanOrEqual(line['upstream_response_ms'] as number);
  });

  it('tells that a kept connection cost nothing to make', async () => {
    const { line } = await logged(`GET /proxy/y HTTP/1.1\r\n${close}`);
    expect(line['upstream_connect_ms']).toBe(0);
  });

  it('tells of an upstream that is down', async () => {
    const { line } = await logged(`GET /down HTTP/1.1\r\n${close}`);
    expect(line).toMatchObject({ status: 502, route: 'web:4', error: 'dial_failed' });
  });

  it('tells of a path that no route has', async () => {
    const { line, got } = await logged(`GET /nowhere HTTP/1.1\r\n${close}`);
    expect(line).toMatchObject({
      status: 404,
      route: null,
      path: '/nowhere',
      error: 'no_route',
      bytes_out: got.length,
    });
  });

  it('tells of a request that is malformed', async () => {
    const { line, got } = await logged(`GET /static HTTP/1.1\r\nHost: a\r\nbad field\r\n\r\n`);
    expect(got).toContain('400 Bad Request');
    expect(line).toMatchObject({
      status: 400,
      route: null,
      method: 'GET',
      error: 'bad_field_line',
      bytes_out: got.length,
    });
  });

  it('tells of a client that went before the answer, as 499', async () => {
    const { line } = await logged(`GET /hold HTTP/1.1\r\n${close}`, async (client) => {
      await upstream.holds(1);
      client.socket.resetAndDestroy();
    });
    expect(line).toMatchObject({ status: 499, route: 'web:3', error: 'client_closed', bytes_out: 0 });
  });

  it('tells of a dropped connection, as 0', async () => {
    const { line, got } = await logged(`GET /drop HTTP/1.1\r\n${close}`);
    expect(got).toBe('');
    expect(line).toMatchObject({ status: 0, route: 'web:2', bytes_out: 0, error: 'dropped' });
  });

  it('tells of HTTP/1.0, of HEAD, and of what is not there', async () => {
    const { line } = await logged('HEAD /static HTTP/1.0\r\n\r\n');
    expect(line).toMatchObject({
      protocol: 'HTTP/1.0',
      method: 'HEAD',
      host: '',
      user_agent: null,
      referer: null,
      status: 201,
    });
  });

  it.each([
    ['the path', 'GET /static%0d%0a%1b[31m HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'path'],
    ['the query', 'GET /static?"}\\\u00ff%0a{ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 'query'],
    [
      'the user agent',
      'GET /static HTTP/1.1\r\nHost: a\r\nUser-Agent: "}\\n{\t\u009b31m\u0085\r\nConnection: close\r\n\r\n',
      'user_agent',
    ],
    [
      'the referer',
      'GET /static HTTP/1.1\r\nHost: a\r\nReferer: \u00e2\u0080\u00a8"\\\r\nConnection: close\r\n\r\n',
      'referer',
    ],
    ['a raw CR in a field', 'GET /static HTTP/1.1\r\nHost: a\r\nReferer: x\r{"status":200}\r\n\r\n', 'referer'],
    ['an escape in a field', 'GET /static HTTP/1.1\r\nHost: a\r\nUser-Agent: \u001b[2J\r\n\r\n', 'user_agent'],
    ['the method', 'G"\\T /static HTTP/1.1\r\nHost: a\r\n\r\n', 'method'],
  ])('is one line of plain ASCII whatever stands in %s', async (_, request, key) => {
    const { line } = await logged(request);
    expect(line).toHaveProperty(key);
    const text = await readFile(log, 'latin1');
    expect(text).toMatch(/^[\x20-\x7e\n]*$/);
    expect(text.split('\n')).toHaveLength(seen + 1);
  });
});

describe('where lines go', () => {
  let other: TestDaemon | null = null;
  afterEach(async () => {
    await other?.stop();
    other = null;
  });

  it('is decided by the route, then the action, then the global log; "off" is none', async () => {
    const answer = { type: 'static', status: 200, body_ref: { text: 'ok' } };
    const routes = [
      { match: { path: '/global' }, action: answer },
      { match: { path: '/action' }, action: { ...answer, access_log: './action.log' } },
      { match: { path: '/route' }, action: { ...answer, access_log: './action.log' }, access_log: './route.log' },
      { match: { path: '/route-off' }, action: { ...answer, access_log: './action.log' }, access_log: 'off' },
      { match: { path: '/action-off' }, action: { ...answer, access_log: 'off' } },
      { match: { path: '/back-on' }, action: { ...answer, access_log: 'off' }, access_log: './route.log' },
    ];
    other = await TestDaemon.start(webConfig(routes, {}, { logging: { access_log: './global.log' } }));
    for (const name of ['global', 'action', 'route', 'route-off', 'action-off', 'back-on', 'missing']) {
      await fetch(other.url(`/${name}`));
    }
    other.signal('SIGTERM');
    expect(await other.end()).toBe(0);
    const paths = async (name: string): Promise<unknown[]> =>
      (await readLog(join((other as TestDaemon).folder, name))).map(({ path }) => path);
    expect(await paths('global.log')).toEqual(['/global', '/missing']);
    expect(await paths('action.log')).toEqual(['/action']);
    expect(await paths('route.log')).toEqual(['/route', '/back-on']);
  });

  it('changes with a reload, and nothing of the old file is lost', async () => {
    const answer = { type: 'static', status: 200, body_ref: { text: 'ok' } };
    const config = (name: string): unknown => webConfig([{ action: answer }], {}, { logging: { access_log: name } });
    other = await TestDaemon.start(config('./one.log'));
    await (await fetch(other.url('/1'))).text();
    await other.reload(config('./two.log'));
    await (await fetch(other.url('/2'))).text();
    expect((await logLines(join(other.folder, 'one.log'), 1)).map(({ path }) => path)).toEqual(['/1']);
    expect((await logLines(join(other.folder, 'two.log'), 1)).map(({ path }) => path)).toEqual(['/2']);
  });

  it('does not stop service when the disk is full', async () => {
    const answer = { type: 'static', status: 200, body_ref: { text: 'ok' } };
    other = await TestDaemon.start(webConfig([{ action: answer }], {}, { logging: { access_log: '/dev/full' } }));
    for (let i = 0; i < 200; i++) expect(await (await fetch(other.url('/'))).text()).toBe('ok');
    await other.logged(({ level, msg }) => level === 'warn' && /log/.test(msg));
    expect(await (await fetch(other.url('/'))).text()).toBe('ok');
    other.signal('SIGTERM');
    expect(await other.end()).toBe(0);
  });
});

describe('the status of an exchange that prox ended without an answer', () => {
  const limited = (limits: object): Promise<TestDaemon> => {
    const routes = [{ action: { type: 'proxy', upstream: upstream.address, headers: { 'User-Agent': 'prox' } } }];
    const logging = { access_log: './access.log' };
    return TestDaemon.start(webConfig(routes, { config: limits }, { logging }));
  };

  it.each([
    ['write_timeout', 'response_timeout', { write_timeout: '200ms' }],
    ['shutdown_timeout', 'shutting_down', { shutdown_timeout: '200ms' }],
  ])('at %s is 0: the client did not leave', async (name, code, limits) => {
    const other = await limited(limits);
    const client = await RawClient.connect(other.port());
    client.send(`GET /hold/${code} HTTP/1.1\r\n${close}`);
    await eventually('the request', () => upstream.requests.some(({ url }) => url === `/hold/${code}`));
    if (name === 'shutdown_timeout') other.signal('SIGTERM');
    expect(await client.toEnd()).toBe('');
    // A second signal would end it without its log.
    if (name !== 'shutdown_timeout') other.signal('SIGTERM');
    await other.end();
    const [line] = await logLines(join(other.folder, 'access.log'), 1);
    // What the action sends in place of a field is not what the client is.
    expect(line).toMatchObject({ status: 0, error: code, user_agent: 'agent/1' });
    client.destroy();
    await other.stop();
  });
});

it('follows a clock that is set, with its times and not with its durations', async () => {
  const ahead = 3_600_000;
  const set = `const now = Date.now; process.on('SIGWINCH', () => (Date.now = () => now() + ${ahead}));`;
  const route = { action: { type: 'static', status: 200 } };
  const own = await TestDaemon.start(webConfig([route], {}, { logging: { access_log: './set.log' } }), {
    nodeFlags: ['--import', `data:text/javascript,${encodeURIComponent(set)}`],
  });
  try {
    await fetch(own.url());
    own.signal('SIGWINCH');
    // Of the loop's turn after the signal, as the one behind it is.
    own.signal('SIGHUP');
    await own.logged(({ msg }) => msg === 'config reloaded');
    await fetch(own.url());
    const [before, after] = await logLines(join(own.folder, 'set.log'), 2);
    const step = Date.parse(String(after?.['time'])) - Date.parse(String(before?.['time']));
    expect(step).toBeGreaterThanOrEqual(ahead - 1000);
    expect(after?.['duration_ms']).toBeLessThan(ahead / 2);
  } finally {
    await own.stop();
  }
});
