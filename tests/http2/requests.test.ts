import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FrameClient, request } from '../testing/frame-client.ts';
import type { Pairs } from '../testing/http2-frames.ts';
import { H2Client } from '../testing/h2-client.ts';
import { Proxied, response } from '../testing/proxied.ts';

let proxied: Proxied;
let client: H2Client;

beforeAll(async () => {
  proxied = await Proxied.start({
    routes: [
      { match: { path: '/admin/*' }, action: { type: 'static', status: 403 } },
      { match: { domain: 'named.test' }, action: { type: 'static', status: 200, body_ref: { text: '{host}' } } },
      { match: { path: '/static' }, action: { type: 'static', status: 200, body_ref: { text: '{path}' } } },
    ],
    limits: { max_header_bytes: 2048, max_headers: 20, max_target_bytes: 500, max_body_bytes: 1000 },
  });
  proxied.upstream.serve(response('ok'));
});
beforeEach(async () => {
  client = await H2Client.connect(proxied.daemon.url());
});
afterEach(async () => {
  client.destroy();
  await proxied.reset();
  proxied.upstream.serve(response('ok'));
});
afterAll(() => proxied.stop());

/** Upstream connections that prox holds. */
function open(): number {
  return proxied.upstream.peers.filter((peer) => !peer.ended && !peer.closed).length;
}

/** Sends a field section as it is, and says what became of the stream. */
async function outcome(pairs: Pairs, end = true, body?: string): Promise<string> {
  const frames = await FrameClient.connect(proxied.daemon.port());
  frames.headers(1, pairs, end);
  if (body !== undefined) frames.data(1, body, true);
  const what = await frames.outcome(1);
  frames.destroy();
  return what;
}

describe('a request over HTTP/2', () => {
  it('reaches the upstream as HTTP/1.1, with the authority as the forwarded host', async () => {
    const answer = await client.get('/a?b=c', { 'x-one': '1' });
    expect(answer).toMatchObject({ status: 200, body: 'ok', code: 0 });
    const { head } = proxied.upstream.requests[0];
    expect(head).toMatch(/^GET \/a\?b=c HTTP\/1\.1\r\n/);
    expect(head).toContain(`\r\nHost: ${proxied.upstream.authority}\r\n`);
    expect(head).toContain(`\r\nX-Forwarded-Host: 127.0.0.1:${proxied.daemon.port()}\r\n`);
    expect(head).toContain('\r\nx-one: 1\r\n');
    expect(head).not.toMatch(/\r\n:/);
    expect(head).not.toMatch(/transfer-encoding|content-length/i);
  });

  it.each([
    ['a length', { 'content-length': '5' }, 'Content-Length: 5', 'hello'],
    ['no length', {}, 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ])('with a body of %s is framed so for the upstream', async (_, headers, line, body) => {
    await client.send({ ':method': 'POST', ':path': '/', ...headers }, 'hello');
    const [sent] = proxied.upstream.requests;
    expect(sent.head.toLowerCase()).toContain(`\r\n${line.toLowerCase()}\r\n`);
    expect(sent.body).toBe(body);
  });

  it('has the crumbs of its cookie joined', async () => {
    await client.get('/', { cookie: ['a=1', 'b=2', 'c=3'] });
    const cookies = proxied.upstream.requests[0].head.match(/^cookie: .*$/gim);
    expect(cookies).toEqual(['cookie: a=1; b=2; c=3']);
  });

  it('passes its trailers on', async () => {
    const stream = client.session.request({ ':method': 'POST', ':path': '/' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', 'x-host': 'a' }));
    stream.end('body');
    const [sent] = await proxied.upstream.received(1);
    expect(sent.body).toBe('4\r\nbody\r\n0\r\nx-sum: 7\r\nx-host: a\r\n\r\n');
  });

  it.each([
    ['/a/%2e%2e/admin/x', 403],
    ['/%61dmin/x', 403],
    ['/admin/../b', 200],
  ])('to %s is routed by the normal form of its path', async (path, status) => {
    expect((await client.get(path)).status).toBe(status);
  });

  it('is routed by the host of its authority, without its port', async () => {
    const answer = await client.get('/x', { ':authority': 'NAMED.test:81' });
    expect(answer.body).toBe('NAMED.test:81');
  });

  it('to the whole server is passed on as one', async () => {
    await client.send({ ':method': 'OPTIONS', ':path': '*' });
    expect(proxied.upstream.requests[0].head).toMatch(/^OPTIONS \* HTTP\/1\.1\r\n/);
  });
});

describe('a request that is not well formed', () => {
  const refused = (...more: Pairs): Pairs => request('GET', '/', ...more);
  it.each<[string, Pairs]>([
    [
      'without :path',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':authority', 'a'],
      ],
    ],
    [
      'with an empty :path',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':authority', 'a'],
        [':path', ''],
      ],
    ],
    [
      'without :method',
      [
        [':path', '/'],
        [':scheme', 'http'],
        [':authority', 'a'],
      ],
    ],
    [
      'without :scheme',
      [
        [':method', 'GET'],
        [':path', '/'],
        [':authority', 'a'],
      ],
    ],
    [
      'without an authority',
      [
        [':method', 'GET'],
        [':path', '/'],
        [':scheme', 'http'],
      ],
    ],
    ['with :path twice', refused([':path', '/'])],
    ['with :method twice', refused([':method', 'GET'])],
    ['with :authority twice', refused([':authority', 'a'])],
    ['with an unknown pseudo-field', refused([':other', 'x'])],
    ['with :status', refused([':status', '200'])],
    ['with a pseudo-field behind others', [['x-a', 'b'], ...refused()]],
    ['with an upper-case name', refused(['X-Upper', 'x'])],
    ['with Connection', refused(['connection', 'close'])],
    ['with Keep-Alive', refused(['keep-alive', 'timeout=5'])],
    ['with Proxy-Connection', refused(['proxy-connection', 'close'])],
    ['with Transfer-Encoding', refused(['transfer-encoding', 'chunked'])],
    ['with Upgrade', refused(['upgrade', 'websocket'])],
    ['with Host twice', refused(['host', 'frames.test'], ['host', 'frames.test'])],
    ['with TE other than trailers', refused(['te', 'gzip'])],
    ['with a Content-Length and no content', refused(['content-length', '5'])],
    ['with Content-Length twice', refused(['content-length', '0'], ['content-length', '0'])],
    ['with a Content-Length that is no number', refused(['content-length', '5x'])],
  ])('%s is reset with PROTOCOL_ERROR', async (_, pairs) => {
    expect(await outcome(pairs)).toBe('reset 1');
    expect(proxied.upstream.requests).toEqual([]);
  });

  it.each<[string, Pairs]>([
    ['with a Host that says something else', refused(['host', 'other.test'])],
    [
      'with user information',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':authority', 'u@a'],
        [':path', '/'],
      ],
    ],
    [
      'with a malformed authority',
      [
        [':method', 'GET'],
        [':scheme', 'http'],
        [':authority', 'a:99999'],
        [':path', '/'],
      ],
    ],
    ['with a fragment', request('GET', '/a#b')],
    ['with a malformed encoding', request('GET', '/%zz')],
    [
      'with a scheme that is not served',
      [
        [':method', 'GET'],
        [':scheme', 'ftp'],
        [':authority', 'a'],
        [':path', '/'],
      ],
    ],
    [
      'CONNECT without a port',
      [
        [':method', 'CONNECT'],
        [':authority', 'a.test'],
      ],
    ],
  ])('%s is answered 400', async (_, pairs) => {
    // Newer versions of nghttp2 refuse user information by themselves.
    expect(['status 400', ...(pairs.some(([, value]) => value.includes('@')) ? ['reset 1'] : [])]).toContain(
      await outcome(pairs),
    );
    expect(proxied.upstream.requests).toEqual([]);
  });

  it('with a Host that says the same in another case is served', async () => {
    expect(await outcome(request('GET', '/', ['host', 'FRAMES.test']))).toBe('status 200');
  });

  it('with Host alone is served, as HTTP/1.1 that was translated', async () => {
    expect(
      await outcome([
        [':method', 'GET'],
        [':scheme', 'http'],
        [':path', '/'],
        ['host', 'a.test'],
      ]),
    ).toBe('status 200');
    expect(proxied.upstream.requests[0].head).toContain('X-Forwarded-Host: a.test\r\n');
  });

  it.each([['a\r\nx-evil: 1'], ['a\0b'], [' a'], ['a ']])(
    'with the value %j does not reach the upstream so',
    async (value) => {
      await outcome(request('GET', '/', ['x-odd', value]));
      for (const { head } of proxied.upstream.requests)
        expect(head).not.toMatch(/x-evil|x-odd: a\0| x-odd:  a|x-odd: a \r/i);
    },
  );

  it.each([
    ['more', 'abcdef'],
    ['less', 'abc'],
  ])('with %s content than its length is reset, and its upstream request cut', async (_, body) => {
    // Newer versions of nghttp2 end the connection.
    const what = await outcome(request('POST', '/', ['content-length', '5']), false, body);
    expect(['reset 1', 'gone']).toContain(what);
    await proxied.upstream.until(() => open() === 0, 'the upstream request to be cut');
    expect(proxied.upstream.requests).toEqual([]);
  });
});

describe('a request over a limit', () => {
  it.each([
    [414, 'a target', { ':path': `/${'x'.repeat(600)}` }],
    [431, 'a field', { ':path': '/', 'x-long': 'x'.repeat(2100) }],
    [
      431,
      'a number of fields',
      { ':path': '/', ...Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`x-${i}`, '1'])) },
    ],
    [417, 'an expectation', { ':path': '/', ':method': 'POST', expect: 'more' }],
  ])('is answered %d for %s, and the connection goes on', async (status, _, headers) => {
    expect((await client.send(headers)).status).toBe(status);
    expect((await client.get('/')).status).toBe(200);
  });

  it('of far too many bytes is reset, and the connection goes on', async () => {
    const answer = await client.get('/', { 'x-long': 'x'.repeat(10_000) });
    expect(answer).toMatchObject({ status: 0 });
    expect(answer.code).not.toBe(0);
    expect((await client.get('/')).status).toBe(200);
  });

  it.each([
    ['that is announced', { 'content-length': '1001' }],
    ['that is not announced', {}],
  ])('on a body %s is answered 413', async (_, headers) => {
    const answer = await client.send({ ':method': 'POST', ':path': '/', ...headers }, Buffer.alloc(1001));
    expect(answer.status).toBe(413);
    expect((await client.get('/')).status).toBe(200);
    await proxied.upstream.until(() => open() <= 1, 'the upstream request to be cut');
  });
});

describe('CONNECT', () => {
  it('to a route that is no tunnel is answered 405', async () => {
    expect(await client.send({ ':method': 'CONNECT', ':authority': 'a.test:1' })).toMatchObject({ status: 405 });
  });
});
