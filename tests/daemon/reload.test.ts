import { Agent, Client, request } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { RawClient } from '../testing/raw-client.ts';
import { TestUpstream } from '../testing/upstream.ts';

const answer = (text: string): unknown => ({ type: 'static', status: 200, body_ref: { text } });
const proxyTo = (upstream: TestUpstream): unknown => ({ type: 'proxy', upstream: upstream.address });

let daemon: TestDaemon;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(config: unknown, args: string[] = []): Promise<void> {
  daemon = await TestDaemon.start(config, { args });
  closers.push(() => daemon.stop());
}

async function upstreamOf(...args: Parameters<typeof TestUpstream.start>): Promise<TestUpstream> {
  const upstream = await TestUpstream.start(...args);
  closers.push(() => upstream.stop());
  return upstream;
}

/** One connection to the daemon, kept for all requests. */
function keepAlive(): { client: Client; get: (path?: string) => Promise<string>; connections: () => number } {
  let connections = 0;
  const client = new Client(daemon.url('/'));
  client.on('connect', () => connections++);
  closers.push(() => client.destroy());
  const get = async (path = '/'): Promise<string> => (await client.request({ method: 'GET', path })).body.text();
  return { client, get, connections: () => connections };
}

/** Reloads by SIGHUP and waits until that is done. */
async function hangUp(): Promise<boolean> {
  const from = daemon.log.length;
  daemon.signal('SIGHUP');
  const line = await daemon.logged(({ msg }) => msg === 'config reloaded' || msg.startsWith('reload failed'), from);
  expect(line['why']).toContain('SIGHUP');
  return line.msg === 'config reloaded';
}

describe('a reload', () => {
  it('shows new routes to a kept connection with its next request', async () => {
    await start(webConfig([{ action: answer('before') }]));
    const { get, connections } = keepAlive();
    expect(await get()).toBe('before');
    expect(await daemon.reload(webConfig([{ action: answer('after') }]))).toBe(true);
    expect(await get()).toBe('after');
    expect(connections()).toBe(1);
  });

  it('lets a request in flight finish on the generation that it began with', async () => {
    const upstream = await upstreamOf();
    await start(webConfig([{ match: { path: '/hold/*' }, action: proxyTo(upstream) }, { action: answer('before') }]));
    const { get, connections } = keepAlive();
    const held = get('/hold/1');
    await upstream.holds(1);
    expect(await daemon.reload(webConfig([{ action: answer('after') }]))).toBe(true);
    upstream.release('from the upstream');
    expect(await held).toBe('from the upstream');
    expect(await get('/hold/2')).toBe('after');
    expect(connections()).toBe(1);
  });

  it('answers pipelined requests in order, the later ones with the new routes', async () => {
    const upstream = await upstreamOf();
    await start(webConfig([{ match: { path: '/hold/*' }, action: proxyTo(upstream) }, { action: answer('before') }]));
    const client = await RawClient.connect(daemon.port());
    closers.push(async () => client.destroy());
    client.send('GET /hold/1 HTTP/1.1\r\nHost: a\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await upstream.holds(1);
    await daemon.reload(webConfig([{ action: answer('after') }]));
    upstream.release('held');
    const received = await client.toEnd();
    expect(received.indexOf('held')).toBeGreaterThan(0);
    expect(received.indexOf('after')).toBeGreaterThan(received.indexOf('held'));
  });

  it('applies new limits to a kept connection', async () => {
    await start(webConfig([{ action: answer('ok') }]));
    const { client } = keepAlive();
    const long = { method: 'GET', path: `/${'x'.repeat(300)}` } as const;
    const before = await client.request(long);
    await before.body.dump();
    await daemon.reload(webConfig([{ action: answer('ok') }], { config: { max_target_bytes: 200 } }));
    const after = await client.request(long);
    await after.body.dump();
    expect([before.statusCode, after.statusCode]).toEqual([200, 414]);
  });

  it('changes nothing when the config is broken, says where, and works again when it is mended', async () => {
    await start(webConfig([{ action: answer('before') }]));
    const { get, connections } = keepAlive();
    const from = daemon.log.length;
    const broken = `{
  services: {
    web: {
      listen: '127.0.0.1:0',
      routes: [{ action: 'nowhere' }, { action: { type: 'static', statuss: 200 } }],
    },
  },
}`;
    expect(await daemon.reload(broken)).toBe(false);
    await daemon.logged(({ msg }) => msg.includes('statuss'), from);
    const errors = daemon.log.slice(from).filter(({ level }) => level === 'error');
    expect(errors.map(({ msg }) => msg)).toEqual([
      'reload failed; prox continues with the old config',
      expect.stringMatching(/prox\.json5:5:26: services\.web\.routes\[0\]\.action: .*nowhere/),
      expect.stringMatching(/prox\.json5:5:67: services\.web\.routes\[1\]\.action\.statuss: .*did you mean `status`/),
    ]);
    expect(await get()).toBe('before');
    expect(await daemon.reload(webConfig([{ action: answer('mended') }]))).toBe(true);
    expect(await get()).toBe('mended');
    expect(connections()).toBe(1);
  });

  it('refuses a config that this version cannot serve, and goes on', async () => {
    await start(webConfig([{ action: answer('before') }]));
    const { get } = keepAlive();
    expect(
      await daemon.reload(
        webConfig([{ action: answer('acme') }], { acme: { email: 'a@example.com', domains: ['a.example.com'] } }),
      ),
    ).toBe(false);
    expect(await get()).toBe('before');
  });

  it('refuses a config whose log cannot be opened, and goes on', async () => {
    await start(webConfig([{ action: answer('before') }]));
    const { get } = keepAlive();
    const rest = { logging: { access_log: '/nowhere/access.log' } };
    expect(await daemon.reload(webConfig([{ action: answer('after') }], {}, rest))).toBe(false);
    await daemon.logged(({ level, msg }) => level === 'error' && msg.includes('/nowhere/access.log'));
    expect(await get()).toBe('before');
  });

  it('comes with SIGHUP alone when -watch=false', async () => {
    await start(webConfig([{ action: answer('before') }]), ['-watch=false']);
    const { get } = keepAlive();
    const from = daemon.log.length;
    await daemon.writeConfig(webConfig([{ action: answer('after') }]));
    expect(await get()).toBe('before');
    expect(await hangUp()).toBe(true);
    expect(await get()).toBe('after');
    expect(daemon.log.slice(from).filter(({ msg }) => msg === 'config reloaded')).toHaveLength(1);
  });

  it('comes with SIGHUP although nothing has changed', async () => {
    await start(webConfig([{ action: answer('same') }]));
    expect(await hangUp()).toBe(true);
    expect(await keepAlive().get()).toBe('same');
  });

  it('sets the log level', async () => {
    await start(webConfig([{ action: answer('a') }], {}, { logging: { level: 'info' } }));
    await daemon.reload(webConfig([{ action: answer('a') }], {}, { logging: { level: 'debug' } }));
    const client = await RawClient.connect(daemon.port());
    await client.send('nonsense\r\n\r\n').toEnd();
    expect(await daemon.logged(({ level, msg }) => level === 'debug' && msg !== 'worker serves')).toMatchObject({
      msg: 'exchange failed',
    });
    client.destroy();
  });
});

describe('what survives a reload', () => {
  it('keeps the connections to an upstream', async () => {
    const upstream = await upstreamOf();
    const config = (headers: unknown): unknown =>
      webConfig([{ action: { ...(proxyTo(upstream) as object), headers } }]);
    await start(config({ 'X-Generation': 'one' }));
    const { get } = keepAlive();
    await get();
    await daemon.reload(config({ 'X-Generation': 'two' }));
    await get();
    expect(upstream.requests.map(({ headers }) => headers['x-generation'])).toEqual(['one', 'two']);
    expect(upstream.connections).toBe(1);
  });

  it('closes the connections to an upstream that is no longer used', async () => {
    const upstream = await upstreamOf();
    await start(webConfig([{ action: proxyTo(upstream) }]));
    await keepAlive().get();
    expect(upstream.open.size).toBe(1);
    const [socket] = upstream.open;
    const closed = new Promise((resolve) => socket?.once('close', resolve));
    await daemon.reload(webConfig([{ action: answer('none') }]));
    await closed;
  });

  it('remembers which targets are busy', async () => {
    const [a, b] = [
      await upstreamOf((_, response) => response.end('a')),
      await upstreamOf((_, response) => response.end('b')),
    ];
    const config = (note: string): unknown =>
      webConfig([
        {
          balancer: { type: 'leastconn', targets: [a.address, b.address] },
          action: { type: 'proxy', upstream: 'http://{target}', headers: { 'X-Note': note } },
        },
      ]);
    await start(config('one'));
    const agent = new Agent();
    closers.push(() => agent.destroy());
    const get = async (path: string): Promise<string> =>
      (await request(daemon.url(path), { dispatcher: agent })).body.text();
    const held = get('/hold');
    await Promise.race([a.holds(1), b.holds(1)]);
    const [busy, idle] = a.requests.length > 0 ? [a, 'b'] : [b, 'a'];
    await daemon.reload(config('two'));
    for (let i = 0; i < 6; i++) expect(await get('/')).toBe(idle);
    busy.release();
    await held;
    const answers = new Set<string>();
    for (let i = 0; i < 6; i++) answers.add(await get('/'));
    expect(answers).toEqual(new Set(['a', 'b']));
  });

  it('goes on with the turn of a round robin', async () => {
    const upstreams = await Promise.all(['a', 'b', 'c'].map((text) => upstreamOf((_, response) => response.end(text))));
    const config = (note: string): unknown =>
      webConfig([
        {
          balancer: { type: 'roundrobin', targets: upstreams.map(({ address }) => address) },
          action: { type: 'proxy', upstream: 'http://{target}', headers: { 'X-Note': note } },
        },
      ]);
    await start(config('one'));
    const { get } = keepAlive();
    const order = [await get(), await get()];
    await daemon.reload(config('two'));
    order.push(await get(), await get());
    expect(new Set(order.slice(0, 3)).size).toBe(3);
    expect(order[3]).toBe(order[0]);
  });
});
