import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head, Proxied, response, undated } from '../testing/proxied.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { type RawPeer, RawUpstream } from '../testing/raw-upstream.ts';

const GET = head('GET / HTTP/1.1', 'Host: a.test');
const POST = `${head('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 2')}hi`;
/** An answer of prox itself. */
const refusal = (status: string, code: string): string =>
  response(`${status} (${code})\n`, `HTTP/1.1 ${status}`, 'Content-Type: text/plain; charset=utf-8');

/** A port on which no server listens. */
async function deadPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('an upstream that answers badly', () => {
  let proxied: Proxied;
  beforeAll(async () => {
    proxied = await Proxied.start({ limits: { max_header_bytes: 4096, max_headers: 20 } });
  });
  afterEach(() => proxied.reset());
  afterAll(() => proxied.stop());

  it.each([
    ['no status line', 'hello\r\n\r\n', 'bad_response'],
    ['an SMTP greeting', '220 mail ESMTP\r\n', 'bad_response'],
    ['version 2', head('HTTP/2.0 200 OK'), 'bad_response'],
    ['a status of two digits', head('HTTP/1.1 20 OK'), 'bad_response'],
    ['status 600', head('HTTP/1.1 600 OK'), 'bad_response'],
    ['a status of four digits', head('HTTP/1.1 2000'), 'bad_response'],
    ['a bare LF', 'HTTP/1.1 200 OK\nA: b\n\n', 'bad_response'],
    ['white space before a colon', head('HTTP/1.1 200 OK', 'A : b'), 'bad_response'],
    ['a folded field', head('HTTP/1.1 200 OK', 'A: b', ' c'), 'bad_response'],
    ['NUL in a value', head('HTTP/1.1 200 OK', 'A: \0'), 'bad_response'],
    ['both framings', head('HTTP/1.1 200 OK', 'Content-Length: 1', 'Transfer-Encoding: chunked'), 'bad_response'],
    ['two lengths', head('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 1'), 'bad_response'],
    ['a length that is none', head('HTTP/1.1 200 OK', 'Content-Length: 1x'), 'bad_response'],
    ['another coding', head('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip, chunked'), 'bad_response'],
    ['chunked in HTTP/1.0', head('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'), 'bad_response'],
    [
      '101 without a request for an upgrade',
      head('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: x'),
      'bad_response',
    ],
    ['a head too large', head('HTTP/1.1 200 OK', `A: ${'a'.repeat(5000)}`), 'response_head_too_large'],
    ['a head without an end', `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(9000)}`, 'response_head_too_large'],
    [
      'too many fields',
      head('HTTP/1.1 200 OK', ...Array.from({ length: 25 }, (_, i) => `A${i}: b`)),
      'response_head_too_large',
    ],
  ])('%s: 502', async (_, answer, code) => {
    const { received } = await proxied.exchange(GET, answer, code);
    expect(undated(received)).toBe(refusal('502 Bad Gateway', code));
    await proxied.upstream.until(
      () => proxied.upstream.peers[0]?.ended || proxied.upstream.open === 0,
      'the upstream connection to end',
    );
  });

  it.each<[string, (peer: RawPeer) => unknown]>([
    ['closes without an answer', (peer) => peer.end()],
    ['breaks without an answer', (peer) => peer.socket.resetAndDestroy()],
    ['closes inside its head', (peer) => peer.send('HTTP/1.1 200 OK\r\nA: b\r\n').end()],
    ['breaks inside its head', (peer) => peer.socket.write('HTTP/1.1 200 OK\r\n', () => peer.socket.resetAndDestroy())],
    ['closes behind an interim response', (peer) => peer.send(head('HTTP/1.1 100 Continue')).end()],
  ])('%s: 502, once', async (_, act) => {
    proxied.upstream.serve(({ peer }) => {
      act(peer);
      return null;
    });
    const client = await proxied.connect();
    client.send(GET);
    await client.sees('upstream_closed');
    expect(undated(client.received)).toBe(refusal('502 Bad Gateway', 'upstream_closed'));
    expect(proxied.upstream.requests.length).toBe(1);
    client.destroy();
  });

  it.each([
    ['length', ['Content-Length: 10'], '01234'],
    ['chunked', ['Transfer-Encoding: chunked'], '5\r\n01234\r\n'],
    ['chunked, inside a chunk', ['Transfer-Encoding: chunked'], 'a\r\n01234'],
    ['chunked, before the last line', ['Transfer-Encoding: chunked'], '5\r\n01234\r\n0\r\n'],
  ])('that closes inside a body (%s) cuts the client', async (_, fields, part) => {
    proxied.upstream.serve(({ peer }) => {
      peer.send(head('HTTP/1.1 200 OK', ...fields) + part);
      return null;
    });
    const client = await proxied.connect();
    client.send(GET);
    await client.sees('01234');
    (await proxied.upstream.peer()).end();
    await client.until(() => client.closed);
    expect(client.reset).toBe(true);
    expect(client.received).not.toMatch(/0\r\n\r\n$/);
    expect(client.received.match(/HTTP\/1\.1/g)?.length).toBe(1);
  });

  it.each(['HTTP/1.1', 'HTTP/1.0'])(
    'that breaks inside a body which the close ends cuts a client of %s',
    async (version) => {
      proxied.upstream.serve(() => `${head('HTTP/1.1 200 OK')}01234`);
      const client = await proxied.connect();
      client.send(head(`GET / ${version}`, 'Host: a.test'));
      await client.sees('01234');
      (await proxied.upstream.peer()).socket.resetAndDestroy();
      await client.until(() => client.closed);
      // To HTTP/1.0 a plain close would be the end of a whole response: nothing but a reset may be seen.
      expect(client.reset).toBe(true);
      expect(client.ended).toBe(false);
      expect(client.received).not.toMatch(/0\r\n\r\n$/);
    },
  );

  it('that breaks together with the last bytes that it sent cuts the client, too', async () => {
    proxied.upstream.serve(() => null);
    const client = await proxied.connect();
    client.send(GET);
    const [request] = await proxied.upstream.received(1);
    // While prox is stopped, bytes and reset gather: it sees both at once.
    proxied.daemon.signal('SIGSTOP');
    const { socket } = request.peer;
    socket.write(`${head('HTTP/1.1 200 OK')}01234`, () => socket.resetAndDestroy());
    await request.peer.gone();
    proxied.daemon.signal('SIGCONT');
    await client.until(() => client.closed || client.received.length > 0);
    if (client.received.includes('200 OK')) await client.until(() => client.closed);
    expect(client.received).not.toMatch(/0\r\n\r\n$/);
    client.destroy();
  });

  it.each([
    ['a size that is none', '5\r\n01234\r\nxyz\r\n'],
    ['a chunk longer than its size', '5\r\n01234567\r\n'],
    ['a broken trailer', '5\r\n01234\r\n0\r\nA b\r\n\r\n'],
  ])('with %s inside its body cuts the client', async (_, body) => {
    proxied.upstream.serve(head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'));
    const client = await proxied.connect();
    client.send(GET);
    await client.sees('\r\n\r\n');
    (await proxied.upstream.peer()).send(body);
    await client.until(() => client.closed);
    expect(client.reset).toBe(true);
    expect(client.received).not.toMatch(/0\r\n\r\n$/);
  });
});

describe('a reused connection that the upstream has closed', () => {
  let proxied: Proxied;
  // Each with an upstream of which nothing is known: prox learns from what one closes.
  beforeEach(async () => {
    proxied = await Proxied.start();
  });
  afterEach(() => proxied.stop());

  /** A client with one request behind it, so that its next one goes to a reused connection. */
  async function warm(): Promise<RawClient> {
    proxied.upstream.serve(response('first'));
    const client = await proxied.connect();
    client.send(GET);
    await client.sees('first');
    return client;
  }
  /** From now on the connection that is open breaks when a request comes; new ones answer. */
  async function breakOnNextRequest(act: (peer: RawPeer) => unknown): Promise<void> {
    const peer = await proxied.upstream.peer();
    peer.socket.removeAllListeners('data');
    peer.socket.on('data', () => act(peer));
    proxied.upstream.serve(response('second'));
  }

  it('while it was idle is not used: GET and POST go to a new one', async () => {
    for (const request of [GET, POST]) {
      const client = await warm();
      const peer = await proxied.upstream.peer(0);
      peer.end();
      await peer.until(() => peer.ended || peer.closed);
      proxied.upstream.serve(response('second'));
      client.send(request);
      await client.sees('second');
      expect(undated(client.received)).toBe(response('first') + response('second'));
      client.destroy();
      await proxied.reset();
    }
  });

  it.each<[string, (peer: RawPeer) => unknown]>([
    ['closes', (peer) => peer.end()],
    ['breaks', (peer) => peer.socket.resetAndDestroy()],
  ])('%s as the request comes: GET is sent once more', async (_, act) => {
    const client = await warm();
    await breakOnNextRequest(act);
    client.send(GET);
    await client.sees('second');
    expect(undated(client.received)).toBe(response('first') + response('second'));
    expect(proxied.upstream.requests.map(({ connection }) => connection)).toEqual([0, 1]);
    client.destroy();
  });

  it.each([
    ['POST', head('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 0')],
    ['POST with a body', POST],
    ['PATCH', head('PATCH / HTTP/1.1', 'Host: a.test')],
    ['PUT with a body', `${head('PUT / HTTP/1.1', 'Host: a.test', 'Content-Length: 2')}hi`],
  ])('as %s comes: it is not sent again', async (_, request) => {
    const client = await warm();
    await breakOnNextRequest((peer) => peer.socket.resetAndDestroy());
    client.send(request);
    await client.sees('upstream_closed');
    expect(undated(client.received)).toBe(response('first') + refusal('502 Bad Gateway', 'upstream_closed'));
    expect(proxied.upstream.peers.length).toBe(1);
    client.destroy();
  });

  it('twice: the second time is a 502', async () => {
    const client = await warm();
    await breakOnNextRequest((peer) => peer.end());
    proxied.upstream.serve(({ peer }) => {
      peer.end();
      return null;
    });
    client.send(GET);
    await client.sees('upstream_closed');
    expect(proxied.upstream.peers.length).toBe(2);
    client.destroy();
  });

  it('behind a byte of the response: not sent again', async () => {
    const client = await warm();
    await breakOnNextRequest((peer) => peer.send('H').end());
    client.send(GET);
    await client.sees('upstream_closed');
    expect(undated(client.received)).toBe(response('first') + refusal('502 Bad Gateway', 'upstream_closed'));
    expect(proxied.upstream.peers.length).toBe(1);
    client.destroy();
  });
});

describe('an upstream that cannot be reached', () => {
  async function answers(
    routes: readonly unknown[],
    requests: readonly string[],
    actions: unknown = {},
  ): Promise<string[]> {
    const daemon = await TestDaemon.start(webConfig(routes, { config: { dial_timeout: '500ms' } }, { actions }));
    const received: string[] = [];
    for (const request of requests) received.push(undated(await exchangeRaw(daemon.port(), request)));
    await stopHealthy(daemon);
    return received;
  }
  const closing = (request: string): string => request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
  const closed = closing;

  it('is a 502', async () => {
    const upstream = `127.0.0.1:${await deadPort()}`;
    expect(await answers([{ action: { type: 'proxy', upstream } }], [closing(GET), closing(POST)])).toEqual([
      closed(refusal('502 Bad Gateway', 'dial_failed')),
      closed(refusal('502 Bad Gateway', 'dial_failed')),
    ]);
  });

  it('is a 502 when its name does not resolve', async () => {
    const [received] = await answers([{ action: { type: 'proxy', upstream: 'nowhere.invalid:80' } }], [closing(GET)]);
    expect(received).toMatch(/^HTTP\/1\.1 502 [^]*\((dial_failed|dial_timeout)\)\n$/);
  });

  it('is passed over for the next target, with a body too', async () => {
    const live = await RawUpstream.start();
    live.serve(({ body }) => response(`live ${body}`));
    const targets = [`127.0.0.1:${await deadPort()}`, `127.0.0.1:${await deadPort()}`, live.authority];
    const route = { action: { type: 'proxy', upstream: '{target}' }, balancer: { type: 'roundrobin', targets } };
    const requests = [GET, POST, GET, POST, GET, POST].map(closing);
    const received = await answers([route], requests);
    expect(received).toEqual(
      requests.map((request) => closed(response(request.startsWith('GET') ? 'live ' : 'live hi'))),
    );
    expect(live.requests.length).toBe(6);
    await live.stop();
  });

  it('is replaced by the fallback, of whatever type, and theirs', async () => {
    const live = await RawUpstream.start();
    live.serve(response('from the second'));
    const dead = `127.0.0.1:${await deadPort()}`;
    const actions = {
      sorry: { type: 'static', status: 503, body_ref: { text: 'sorry' } },
      second: { type: 'proxy', upstream: live.authority },
      worse: { type: 'proxy', upstream: dead, fallback: 'sorry' },
    };
    const routes = [
      { match: { path: '/static' }, action: { type: 'proxy', upstream: dead, fallback: 'sorry' } },
      { match: { path: '/proxy' }, action: { type: 'proxy', upstream: dead, fallback: 'second' } },
      { match: { path: '/chain' }, action: { type: 'proxy', upstream: dead, fallback: 'worse' } },
      {
        match: { path: '/targets' },
        action: { type: 'proxy', upstream: '{target}', fallback: 'sorry' },
        balancer: { type: 'random', targets: [dead] },
      },
    ];
    const requests = ['/static', '/proxy', '/chain', '/targets'].map((path) => closing(POST.replace('/ ', `${path} `)));
    const received = await answers(routes, requests, actions);
    expect(received.map((text) => text.slice(9, 12) + text.slice(text.indexOf('\r\n\r\n') + 4))).toEqual([
      '503sorry',
      '200from the second',
      '503sorry',
      '503sorry',
    ]);
    expect(live.requests.map(({ body }) => body)).toEqual(['hi']);
    await live.stop();
  });

  it('is not replaced by the fallback when it answers badly: something was sent', async () => {
    const bad = await RawUpstream.start();
    bad.serve('nonsense\r\n\r\n');
    const actions = { sorry: { type: 'static', status: 503 } };
    const [received] = await answers(
      [{ action: { type: 'proxy', upstream: bad.authority, fallback: 'sorry' } }],
      [closing(GET)],
      actions,
    );
    expect(received).toBe(closed(refusal('502 Bad Gateway', 'bad_response')));
    await bad.stop();
  });
});

describe('no route, and no target', () => {
  it('are 404 and keep the connection', async () => {
    const daemon = await TestDaemon.start(
      webConfig([{ match: { domain: 'a.test', path: '/yes' }, action: { type: 'static', status: 204 } }]),
    );
    const client = await RawClient.connect(daemon.port());
    client.send(
      GET +
        `${head('POST /no HTTP/1.1', 'Host: a.test', 'Content-Length: 4')}body` +
        head('GET /yes HTTP/1.1', 'Host: a.test', 'Connection: close'),
    );
    const notFound = refusal('404 Not Found', 'no_route');
    expect(undated(await client.toEnd())).toBe(
      notFound + notFound + head('HTTP/1.1 204 No Content', 'Connection: close'),
    );
    await stopHealthy(daemon);
  });
});
