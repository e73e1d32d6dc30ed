import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Protocol } from '../phases/upstream-server.ts';
import { H2Client } from '../testing/h2-client.ts';
import { openSockets, socketsBackTo } from '../testing/health.ts';
import { head } from '../testing/proxied.ts';
import type { RawClient } from '../testing/raw-client.ts';
import { eventually } from '../testing/wait.ts';
import { Guarded, type GuardedOptions } from './guarded.ts';

const PROTOCOLS: readonly Protocol[] = ['http/1.1', 'h2'];
const POST_OF_4 = head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 4');
const get = (path: string): string => head(`GET ${path} HTTP/1.1`, 'Host: a.test');

let guarded: Guarded;
/** Auth requests that wait for their answer, in the order of coming. */
let held: ServerResponse[];
const clients: (RawClient | H2Client)[] = [];

/** For the tests that want nothing special. */
let shared: Guarded;
beforeAll(async () => {
  shared = await Guarded.start();
});
afterAll(() => shared.stop());

/**
 * A daemon whose auth server answers when a test says so.
 * @param options for a daemon of the test's own
 */
async function start(options: GuardedOptions | null = null): Promise<void> {
  guarded = options === null ? shared : await Guarded.start(options);
  held = [];
  guarded.auth.answer = (_, response) => held.push(response);
}

async function asked(count: number): Promise<void> {
  await eventually(`${count} auth requests`, () => held.length >= count);
}

async function connect(): Promise<RawClient> {
  const client = await guarded.connect();
  clients.push(client);
  return client;
}

async function connectHttp2(): Promise<H2Client> {
  const client = await H2Client.connect(guarded.daemon.url());
  clients.push(client);
  return client;
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await guarded.reset();
  if (guarded !== shared) await guarded.stop();
});

describe('a request that waits for its verdict, over HTTP/1.1', () => {
  it('keeps those that are pipelined behind it waiting, and each is asked about in its turn', async () => {
    await start();
    const client = await connect();
    client.send(get('/1') + get('/open/2') + get('/3'));
    await asked(1);
    held[0].writeHead(401).end('one');
    await asked(2);
    expect(client.received).toMatch(/^HTTP\/1\.1 401 [^]*one.*HTTP\/1\.1 200 [^]*hello/s);
    expect(guarded.auth.asked.map(({ fields }) => fields['x-forwarded-uri'])).toEqual(['/1', '/3']);
    held[1].writeHead(204).end();
    await eventually('the third answer', () => client.received.match(/hello/g)?.length === 2);
    expect(guarded.upstream.seen.map(({ url }) => url)).toEqual(['/open/2', '/3']);
  });

  it('is answered though its client has ended its side', async () => {
    await start();
    const client = await connect();
    client.send(get('/')).end();
    await asked(1);
    held[0].writeHead(204).end();
    expect(await client.toEnd()).toContain('hello');
  });

  it.each([
    ['has sent a head', get('/')],
    ['has sent two heads', get('/') + get('/2')],
    ['has sent a body', `${POST_OF_4}body`],
    ['has sent some of a body', `${POST_OF_4}bo`],
    ['has a body to send', POST_OF_4],
  ])('is given up with a client that resets its connection when it %s', async (_, sent) => {
    await start();
    const client = await connect();
    client.send(sent);
    await asked(1);
    client.socket.resetAndDestroy();
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
    expect([guarded.auth.asked.length, guarded.upstream.seen]).toEqual([1, []]);
  });

  it('leaves nothing behind when its client ends its side inside of the body', async () => {
    await start();
    const sockets = await openSockets(guarded.daemon);
    const client = await connect();
    client.send(`${POST_OF_4}bo`);
    await asked(1);
    client.destroy();
    held[0].writeHead(204).end();
    // The connection to the auth server stays, for the next request.
    await socketsBackTo(guarded.daemon, sockets + 1);
    expect(guarded.upstream.seen.every(({ complete }) => !complete)).toBe(true);
  });

  it('is answered with what its action throws in the turn of the verdict, and those behind it are served', async () => {
    await start();
    const client = await connect();
    client.send(head('CONNECT a.test:443 HTTP/1.1', 'Host: a.test:443') + get('/open/'));
    await asked(1);
    held[0].writeHead(204).end();
    await client.sees('hello');
    expect(client.received).toMatch(/^HTTP\/1\.1 405 [^]*method_not_allowed[^]*HTTP\/1\.1 200 /);
  });

  it('gets no 100 before its verdict, and that of the upstream behind it', async () => {
    await start();
    const client = await connect();
    client.send(head('POST / HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 4'));
    await asked(1);
    expect([client.received, guarded.auth.asked[0].fields.expect]).toEqual(['', undefined]);
    guarded.upstream.answer = (response, request) => request.on('end', () => response.end('hello'));
    held[0].writeHead(204).end();
    await client.sees('HTTP/1.1 100 Continue\r\n\r\n');
    await client.send('body').sees('hello');
    expect(guarded.upstream.seen[0].body).toBe('body');
  });

  it('gets no 100 when the verdict is no', async () => {
    await start();
    const client = await connect();
    client.send(head('POST / HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 4'));
    await asked(1);
    held[0].writeHead(401).end('no');
    expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 401 [^]*\r\nConnection: close\r\n[^]*no$/);
  });

  it('leaves its connection usable when it fails', async () => {
    await start({ plugin: { timeout: '100ms' } });
    const client = await connect();
    for (let i = 1; i <= 3; i++) {
      client.send(`${POST_OF_4}body`);
      await eventually(`answer ${i}`, () => client.received.match(/Forward auth request failed/g)?.length === i);
    }
    await client.send(get('/open/')).sees('hello');
  });

  it('ends with its connection at read_timeout, as its body is not read before', async () => {
    await start({ limits: { read_timeout: '300ms' } });
    const client = await connect();
    client.send(`${head('POST / HTTP/1.1', 'Host: a', 'Content-Length: 9')}some`);
    await asked(1);
    expect(await client.toEnd()).toMatch(/^HTTP\/1\.1 408 /);
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
  });

  it('ends with its connection at write_timeout', async () => {
    await start({ limits: { write_timeout: '300ms' } });
    const client = await connect();
    client.send(get('/'));
    await asked(1);
    await client.gone();
    expect(client.received).toBe('');
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
  });

  it('is not ended by stall_timeout, idle_timeout or min_rate', async () => {
    await start({ limits: { stall_timeout: '100ms', idle_timeout: '100ms', header_timeout: '100ms', min_rate: 1000 } });
    const client = await connect();
    client.send(`${POST_OF_4}body`);
    await asked(1);
    // Several times the longest of them.
    await new Promise((resolve) => setTimeout(resolve, 700));
    held[0].writeHead(204).end();
    await client.sees('hello');
  });
});

describe('a request that waits for its verdict, over HTTP/2', () => {
  it('is given up with its stream, and no other', async () => {
    await start();
    const client = await connectHttp2();
    const first = client.open({ ':path': '/1' }, true);
    await asked(1);
    const second = client.get('/2');
    await asked(2);
    first.close(8);
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
    held[1].writeHead(204).end();
    expect(await second).toMatchObject({ status: 200, body: 'hello' });
    expect(guarded.upstream.seen.map(({ url }) => url)).toEqual(['/2']);
  });

  it('is given up with the connection', async () => {
    await start();
    const client = await connectHttp2();
    for (let i = 0; i < 10; i++) client.open({ ':path': `/${i}`, ':method': 'POST' });
    await asked(10);
    client.destroy();
    await eventually('the ends of the auth requests', () => guarded.auth.asked.every(({ abandoned }) => abandoned));
  });

  it('is answered behind a GOAWAY of its client', async () => {
    await start();
    const client = await connectHttp2();
    const answer = client.get('/');
    await asked(1);
    client.session.goaway(0);
    held[0].writeHead(204).end();
    expect(await answer).toMatchObject({ status: 200, body: 'hello' });
  });

  it('leaves its connection usable when it fails', async () => {
    await start({ plugin: { timeout: '100ms' } });
    const client = await connectHttp2();
    for (let i = 0; i < 3; i++) {
      const answer = await client.send({ ':path': '/', ':method': 'POST' }, 'body');
      expect(answer).toMatchObject({ status: 502, body: 'Forward auth request failed\n', code: 0 });
    }
    expect(await client.get('/open/')).toMatchObject({ status: 200 });
    expect(client.goaways).toEqual([]);
  });

  it.each([
    ['read_timeout', 408],
    ['write_timeout', 0],
  ])('ends at %s', async (limit, status) => {
    await start({ limits: { [limit]: '300ms' } });
    const client = await connectHttp2();
    const stream = client.open({ ':path': '/', ':method': 'POST', 'content-length': '9' });
    let seen = 0;
    stream.on('response', (fields) => (seen = Number(fields[':status'])));
    await asked(1);
    await eventually('the end of the stream', () => stream.closed || seen !== 0);
    expect(seen).toBe(status);
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
  });
});

describe.each(PROTOCOLS)('requests of clients of %s that wait for their verdicts', (protocol) => {
  it('are decided by the config that they came under, while another is put in force', async () => {
    await start({ plugin: { add_headers: ['X-User'] } });
    const before = Array.from({ length: 5 }, (_, i) => guarded.ask(protocol, { path: `/before/${i}` }));
    await asked(5);
    expect(await guarded.reload({ add_headers: ['X-Other'] }, `${guarded.auth.url}?second`)).toBe(true);
    const after = guarded.ask(protocol, { path: '/after' });
    await asked(6);
    expect(guarded.auth.asked[5].url).toBe('/verify?second');
    for (const response of held) response.writeHead(200, { 'X-User': 'alice', 'X-Other': 'bob' }).end();
    for (const each of [...before, after]) expect(await each.done()).toMatchObject({ status: 200, body: 'hello' });
    const users = guarded.upstream.seen.map(({ url, fields }) => [url, fields['x-user'], fields['x-other']]);
    expect(users.toSorted(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([
      ['/after', undefined, 'bob'],
      ...[0, 1, 2, 3, 4].map((i) => [`/before/${i}`, 'alice', undefined]),
    ]);
  });

  it('are waited for when the daemon stops', async () => {
    await start({});
    const waiting = guarded.ask(protocol);
    await asked(1);
    guarded.daemon.signal('SIGTERM');
    await guarded.daemon.logged(({ msg }) => msg.startsWith('stopping'));
    held[0].writeHead(204).end();
    expect(await waiting.done()).toMatchObject({ status: 200, body: 'hello' });
    expect(await guarded.daemon.end()).toBe(0);
  });

  it('are given up when shutdown_timeout has passed', async () => {
    await start({ limits: { shutdown_timeout: '300ms' } });
    const waiting = guarded.ask(protocol);
    await asked(1);
    guarded.daemon.signal('SIGTERM');
    expect(await waiting.done()).toMatchObject({ broken: true });
    expect(await guarded.daemon.end()).toBe(0);
    await eventually('the end of the auth request', () => guarded.auth.asked[0].abandoned);
  });
});
