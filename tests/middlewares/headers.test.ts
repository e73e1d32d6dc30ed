import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logLines } from '../testing/access-log.ts';
import { makePair } from '../testing/certificates.ts';
import type { TestDaemon } from '../testing/daemon.ts';
import { assertNoFaults } from '../testing/health.ts';
import { Load } from '../testing/load.ts';
import { freePort } from '../testing/ports.ts';
import { run } from '../testing/run-prox.ts';
import { startTls, tlsConfig } from '../testing/tls.ts';
import { TestUpstream } from '../testing/upstream.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** What curl has received: the status, and the fields by their names in lower case, several of a name in order. */
interface Received {
  readonly status: number;
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
}

async function curl(version: string, url: string, ...args: string[]): Promise<Received> {
  const { code, stdout, stderr } = await run('curl', ['-sSki', version, ...args, url]);
  expect([code, stderr]).toEqual([0, '']);
  const [head = '', body = ''] = stdout.split('\r\n\r\n', 2);
  const [statusLine = '', ...lines] = head.split('\r\n');
  const fields: Record<string, string[]> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    // HTTP/2 sends several values of a name as one list.
    (fields[name] ??= []).push(...(name.startsWith('x-') && name !== 'x-who' ? value.split(', ') : [value]));
  }
  return { status: Number(statusLine.split(' ')[1]), fields, body };
}

/** The upstream sends these fields, and the id that it was sent as its body. */
function startUpstream(): Promise<TestUpstream> {
  return TestUpstream.start((request, response) => {
    response.setHeader('Server', 'upstream/1.0');
    response.setHeader('X-Old', ['1', '2']);
    response.setHeader('X-Request-Id', 'of the upstream');
    response.statusCode = request.url?.startsWith('/missing') === true ? 404 : 200;
    response.end(String(request.headers['x-request-id']));
  });
}

function plugins(generation: string): Record<string, unknown> {
  return {
    edit: {
      category: 'response_headers',
      set: { 'X-Generation': generation, 'X-Who': '{method} {path} of {client}, {request_id}' },
      add: { 'Set-Cookie': ['a=1', 'b=2'] },
      remove: ['Server'],
      rename: { 'X-Old': 'X-New' },
    },
    hide: { category: 'response_headers', when: { status: '404' }, status: 410, set: { 'X-Was': '404' } },
    first: { category: 'response_headers', mode: 'upstream', set: { 'X-Upstream': 'yes' } },
    short: { category: 'request_id', algorithm: 'nanoid', size: 12, header_name: 'X-Short-Id' },
  };
}

describe.each([
  ['HTTP/1.1', '--http1.1'],
  ['HTTP/2', '--http2'],
])('middlewares for headers over %s', (_, version) => {
  let upstream: TestUpstream;
  let daemon: TestDaemon;
  let dead: number;
  let gone: number;
  const pair = makePair({ alternatives: 'DNS:a.test,IP:127.0.0.1' });
  const routes = (): unknown[] => [
    { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: 'id {request_id}' } } },
    { match: { path: '/gone' }, action: { type: 'proxy', upstream: `127.0.0.1:${gone}` } },
    { match: { path: '/dead' }, action: { type: 'proxy', upstream: `127.0.0.1:${dead}` } },
    { match: { path: '/short' }, plugins: ['short'], action: { type: 'static', status: 204 } },
    { match: { path: '/only/*' }, action: { type: 'proxy', upstream: upstream.address } },
    { match: { path: '/missing' }, plugins: ['hide'], action: { type: 'proxy', upstream: upstream.address } },
    { match: { path: '/*', methods: ['GET', 'HEAD'] }, action: { type: 'proxy', upstream: upstream.address } },
  ];
  const service = { plugins: ['edit', 'first', 'prox:requestId'] };
  const root = (generation: string): unknown => ({
    ...(tlsConfig(routes(), { plugins: service.plugins }) as object),
    plugins: plugins(generation),
    logging: { access_log: './access.log' },
  });

  beforeAll(async () => {
    upstream = await startUpstream();
    dead = await freePort();
    gone = await freePort();
    daemon = await startTls({
      pairs: { a: pair },
      routes: [{ action: { type: 'drop' } }],
      args: ['-workers', '2', '-watch=false'],
    });
    await daemon.writeConfig(root('1'));
    daemon.signal('SIGHUP');
    await daemon.logged(({ msg }) => msg === 'config reloaded');
  });
  afterAll(async () => {
    // Before the end: a worker that is left alone says so.
    assertNoFaults(daemon);
    await daemon.stop();
    await upstream.stop();
  });

  const get = (path: string, ...args: string[]): Promise<Received> =>
    curl(version, `https://127.0.0.1:${daemon.port()}${path}`, ...args);

  it('change an answer of an upstream, which gets the id that the client finds', async () => {
    const { status, fields, body } = await get('/a');
    expect(status).toBe(200);
    expect(fields).toMatchObject({
      'x-generation': ['1'],
      'x-new': ['1', '2'],
      'x-upstream': ['yes'],
      'set-cookie': ['a=1', 'b=2'],
      'x-request-id': [expect.stringMatching(UUID)],
    });
    const [id] = fields['x-request-id'] ?? [];
    expect(fields['x-who']).toEqual([`GET /a of 127.0.0.1, ${id}`]);
    expect(body).toBe(id);
    expect(Object.keys(fields)).not.toContain('server');
    expect(Object.keys(fields)).not.toContain('x-old');
    const lines = await logLines(`${daemon.folder}/access.log`, 1);
    expect(lines.map(({ request_id: logged }) => logged)).toContain(id);
  });

  it('change answers of prox itself', async () => {
    const { fields, body } = await get('/static');
    expect(body).toBe(`id ${fields['x-request-id']?.[0]}`);
    expect(fields['x-generation']).toEqual(['1']);
    expect(fields['x-upstream']).toBeUndefined();
  });

  it.each([
    ['an upstream that is down', '/dead', [], 502],
    ['a method that no route has', '/a', ['-X', 'DELETE'], 404],
  ])('change error pages: %s', async (__, path, args, expected) => {
    const { status, fields } = await get(path, ...args);
    expect(status).toBe(expected);
    expect(fields['x-generation']).toEqual(['1']);
    expect(fields['x-request-id']).toEqual([expect.stringMatching(UUID)]);
    expect(fields['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  it('give an id to the line of the log about a failure', async () => {
    const from = daemon.log.length;
    const { fields } = await get('/gone');
    const line = await daemon.logged(({ msg, path }) => msg === 'exchange failed' && path === '/gone', from);
    expect(line['request_id']).toBe(fields['x-request-id']?.[0]);
  });

  it('do not believe an id of a client that is not trusted', async () => {
    const { fields, body } = await get('/a', '-H', 'X-Request-Id: mine');
    expect(body).toMatch(UUID);
    expect(fields['x-request-id']).toEqual([body]);
  });

  it('answer with another status', async () => {
    const { status, fields } = await get('/missing');
    expect([status, fields['x-was']]).toEqual([410, ['404']]);
  });

  it('answer a HEAD with the same fields', async () => {
    const { status, fields } = await get('/a', '-I');
    expect(status).toBe(200);
    expect(fields['x-new']).toEqual(['1', '2']);
  });

  it('of one category share an id', async () => {
    const { status, fields } = await get('/short');
    expect(status).toBe(204);
    expect(fields['x-short-id']).toEqual(fields['x-request-id']);
  });

  it('come in force with a reload, which loses nothing', async () => {
    const load = new Load(daemon.port(), {
      clients: 4,
      mode: 'keep-alive',
      path: '/static',
      tls: true,
      accepts: (head) => /^x-generation: \d+\r$/im.test(head) && /^x-request-id: [0-9a-f-]{36}\r$/im.test(head),
    });
    for (let generation = 2; generation <= 6; generation++) {
      const from = daemon.log.length;
      await daemon.writeConfig(root(String(generation)));
      daemon.signal('SIGHUP');
      await daemon.logged(({ msg }) => msg === 'config reloaded', from);
      expect((await get('/a')).fields['x-generation']).toEqual([String(generation)]);
    }
    expect((await load.stop()).failures).toEqual([]);
    expect(load.answered).toBeGreaterThan(50);
  });
});
