import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { logLines } from '../testing/access-log.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { H2Client } from '../testing/h2-client.ts';
import { stopHealthy } from '../testing/health.ts';
import { Proxied, response } from '../testing/proxied.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { Http2Upstream } from '../testing/http2-upstream.ts';

/** Spellings of a path below `/private` that some server takes for `/private/p.txt`, whatever stands before a route for it. */
const SPELLINGS = [
  '/private/p.txt',
  '//private/p.txt',
  '///private//p.txt',
  '/private//p.txt',
  '/./private/p.txt',
  '/.//private/p.txt',
  '/x/..//private/p.txt',
  '/x/../private/p.txt',
  '//x/..//private/p.txt',
  '/x//../private/p.txt',
  '/%2e/private/p.txt',
  '/%2e%2e/private/p.txt',
  '/%70rivate/p.txt',
  '/private%2fp.txt',
  '/private%2Fp.txt',
  '/%2fprivate/p.txt',
  '/private%5cp.txt',
  '/private\\p.txt',
  '/\\private/p.txt',
  '/private%2f%2f/p.txt',
  '/a/b/../../private/p.txt',
  '/private/x/../p.txt',
];

/** Those in which an encoded separator decides what a dot segment removes. */
const AMBIGUOUS = [
  '/x/..%2fprivate/p.txt',
  '/x%2f../private/p.txt',
  '/x%2fy/../private/p.txt',
  '/%2e%2fprivate/p.txt',
  '/%2e%2e%2fprivate/p.txt',
  '/x/..%5cprivate/p.txt',
  '/x\\..\\private\\p.txt',
  '/x/..\\private/p.txt',
  '/public%2f..%2fprivate%2fp.txt',
];

const DENY = { match: { path: '/private/*' }, action: { type: 'static', status: 403 } };

async function statusOf(port: number, target: string): Promise<number> {
  const answer = await exchangeRaw(port, `GET ${target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
  return Number(answer.slice(9, 12));
}

/** Statuses by the ways that a path can come: origin-form, absolute-form, HTTP/2. */
async function statusesOf(port: number, client: H2Client, path: string): Promise<number[]> {
  const { status } = await client.get(path);
  return [await statusOf(port, path), await statusOf(port, `http://a.test${path}`), status];
}

describe('a deny route before serve', () => {
  let daemon: TestDaemon;
  let client: H2Client;

  beforeAll(async () => {
    const prepare = async (folder: string): Promise<string> => {
      await mkdir(join(folder, 'www/private'), { recursive: true });
      await writeFile(join(folder, 'www/private/p.txt'), 'private');
      await writeFile(join(folder, 'www/open.txt'), 'open');
      return join(folder, 'prox.json5');
    };
    daemon = await TestDaemon.start(webConfig([DENY, { action: { type: 'serve', root: './www' } }]), { prepare });
    client = await H2Client.connect(daemon.url());
  });
  afterAll(async () => {
    client.destroy();
    await stopHealthy(daemon);
  });

  it.each(SPELLINGS)('holds for %s', async (path) => {
    expect(await statusesOf(daemon.port(), client, path)).toEqual([403, 403, 403]);
  });

  it.each(AMBIGUOUS)('is not asked about %s, which is refused', async (path) => {
    expect(await statusesOf(daemon.port(), client, path)).toEqual([400, 400, 400]);
  });

  it.each(['/open.txt', '//open.txt', '/x/..//open.txt'])('lets %s be', async (path) => {
    expect(await statusesOf(daemon.port(), client, path)).toEqual([200, 200, 200]);
  });
});

describe('a deny route before proxy', () => {
  let proxied: Proxied;
  let client: H2Client;
  const OK = response('ok');

  beforeAll(async () => {
    proxied = await Proxied.start({ routes: [DENY] });
    client = await H2Client.connect(proxied.daemon.url());
  });
  afterEach(() => proxied.reset());
  afterAll(async () => {
    client.destroy();
    await proxied.stop();
  });

  it.each(SPELLINGS)('holds for %s', async (path) => {
    proxied.upstream.serve(OK);
    expect(await statusesOf(proxied.daemon.port(), client, path)).toEqual([403, 403, 403]);
    expect(proxied.upstream.requests).toEqual([]);
  });

  it.each(AMBIGUOUS)('is not asked about %s, which is refused', async (path) => {
    proxied.upstream.serve(OK);
    expect(await statusesOf(proxied.daemon.port(), client, path)).toEqual([400, 400, 400]);
    expect(proxied.upstream.requests).toEqual([]);
  });

  it.each([
    ['/@scope%2fname', '/@scope%2Fname'],
    ['/api/v4/projects/a%2Fb//c', '/api/v4/projects/a%2Fb//c'],
    ['//a//b', '//a//b'],
    ['/a//../b', '/b'],
    ['/caf\u00c3\u00a9', '/caf%C3%A9'],
  ])('lets %s go on as %s', async (path, expected) => {
    proxied.upstream.serve(OK);
    expect(await statusesOf(proxied.daemon.port(), client, path)).toEqual([200, 200, 200]);
    const targets = proxied.upstream.requests.map(({ head }) => head.split('\r\n')[0]);
    expect(targets).toEqual(Array.from({ length: 3 }, () => `GET ${expected} HTTP/1.1`));
  });
});

describe('a path to an upstream of HTTP/2', () => {
  it('keeps its slashes too', async () => {
    const upstream = await Http2Upstream.start();
    const action = { type: 'proxy', upstream: upstream.authority, proto: 'h2' };
    const daemon = await TestDaemon.start(webConfig([DENY, { action }]));
    expect(await statusOf(daemon.port(), '//a%2fb/./c?//')).toBe(200);
    expect(await statusOf(daemon.port(), '//private%2fb')).toBe(403);
    expect(upstream.requests.map((headers) => headers[':path'])).toEqual(['//a%2Fb/c?//']);
    await stopHealthy(daemon);
    await upstream.stop();
  });
});

describe('the config of a service', () => {
  it('lets routes tell empty segments apart', async () => {
    const empty = { match: { path: '//a/*' }, action: { type: 'static', status: 204 } };
    const proxied = await Proxied.start({ routes: [empty, DENY], limits: { merge_slashes: false } });
    proxied.upstream.serve(response('ok'));
    const port = proxied.daemon.port();
    expect([await statusOf(port, '//a/b'), await statusOf(port, '/a/b')]).toEqual([204, 200]);
    expect([await statusOf(port, '//private/x'), await statusOf(port, '/private%2fx')]).toEqual([200, 403]);
    await proxied.stop();
  });

  it('refuses encoded slashes', async () => {
    const proxied = await Proxied.start({ limits: { encoded_slashes: 'refuse' } });
    proxied.upstream.serve(response('ok'));
    const port = proxied.daemon.port();
    const paths = ['/a%2fb', '/a%5Cb', '/a\\b', '/a%252fb', '/a?b=%2f', '//a'];
    const statuses: number[] = [];
    for (const path of paths) statuses.push(await statusOf(port, path));
    expect(statuses).toEqual([400, 400, 400, 200, 200, 200]);
    await proxied.stop();
  });
});

describe('what is written of a path', () => {
  it('is what goes on in the access log, and what routes match in a template', async () => {
    const action = { type: 'static', status: 200, body_ref: { text: '{path}' } };
    const daemon = await TestDaemon.start(webConfig([{ action }], {}, { logging: { access_log: './access.log' } }));
    const sent = 'GET //a%2fb/./%40 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n';
    // The form that routes match leads to no other host, whatever a Location makes of it.
    expect(await exchangeRaw(daemon.port(), sent)).toMatch(/\r\n\r\n\/a\/b\/@$/);
    const [line] = await logLines(join(daemon.folder, 'access.log'), 1);
    expect(line).toMatchObject({ path: '//a%2Fb/%40' });
    await stopHealthy(daemon);
  });
});
