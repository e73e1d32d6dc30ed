import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { run } from '../testing/run-prox.ts';
import { TestUpstream } from '../testing/upstream.ts';

let upstream: TestUpstream;
let daemon: TestDaemon;
beforeAll(async () => {
  upstream = await TestUpstream.start((request, response) => response.end(String(request.headers['x-request-id'])));
  daemon = await TestDaemon.start(
    webConfig(
      [
        { match: { path: '/static' }, plugins: ['lazy'], action: { type: 'static', status: 200 } },
        { match: { path: '/lazy' }, plugins: ['lazy'], action: { type: 'proxy', upstream: upstream.address } },
        { plugins: ['trace'], action: { type: 'proxy', upstream: upstream.address } },
      ],
      { config: { trusted_proxies: ['127.0.0.0/8'] } },
      {
        plugins: {
          trace: { category: 'request_id', traceparent: true },
          lazy: { category: 'request_id', step: 'proxy_upstream' },
        },
      },
    ),
  );
});
afterAll(async () => {
  await stopHealthy(daemon);
  await upstream.stop();
});

/** The id that the upstream got, and the one in the answer. */
async function ids(version: string, path: string, ...headers: string[]): Promise<[body: string, field: string]> {
  const args = headers.flatMap((header) => ['-H', header]);
  const { stdout } = await run('curl', ['-sS', version, '-w', '\n%header{x-request-id}', ...args, daemon.url(path)]);
  const [body = '', field = ''] = stdout.split('\n');
  return [body, field];
}

const VERSIONS = ['--http1.1', '--http2-prior-knowledge'];

it.each(VERSIONS)('a trusted peer gives the id, or a trace (%s)', async (version) => {
  expect(await ids(version, '/', 'X-Request-Id: of-the.edge_1')).toEqual(['of-the.edge_1', 'of-the.edge_1']);
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  expect(await ids(version, '/', `traceparent: 00-${trace}-00f067aa0ba902b7-01`)).toEqual([trace, trace]);
});

it.each(VERSIONS)('what is no id is replaced, even from a trusted peer (%s)', async (version) => {
  const [body, field] = await ids(version, '/', 'X-Request-Id: a b');
  expect(body).toMatch(/^[0-9a-f-]{36}$/);
  expect(field).toBe(body);
});

it.each(VERSIONS)('with step proxy_upstream, only what an upstream answers has an id (%s)', async (version) => {
  const [body, field] = await ids(version, '/lazy');
  expect(body).toMatch(/^[0-9a-f-]{36}$/);
  expect(field).toBe(body);
  expect(await ids(version, '/static')).toEqual(['', '']);
});
