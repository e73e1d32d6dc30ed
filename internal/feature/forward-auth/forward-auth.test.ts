import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProxyError } from '../../base/index.ts';
import { type Decision, type Exchange, ResponseHead, Run, SlotNumbers } from '../../exchange/index.ts';
import { MemoryExchange, type MemoryRequest } from '../../exchange/testing/memory-exchange.ts';
import { CHUNKED, Fields } from '../../message/index.ts';
import { bench, cleanUp, RawServer } from '../../upstream/testing/own-requests.ts';
import { UpstreamClient } from '../../upstream/index.ts';
import type { ForwardAuthConfig } from './forward-auth-config.ts';
import { ForwardAuth } from './forward-auth.ts';

const CONFIG: ForwardAuthConfig = {
  origin: '',
  target: '/check?a=b',
  requestHeaders: null,
  addHeaders: [],
  timeout: 10_000,
  fail: 'closed',
};

afterEach(cleanUp);

/** A filter in front of an auth server, and what it has told. */
interface Guarded {
  readonly filter: ForwardAuth;
  readonly server: RawServer;
  readonly notAsked: ProxyError[];
}

/** @param answer what the auth server says to each request; it closes the connection behind an empty text */
async function guarded(answer: string, config: Partial<ForwardAuthConfig> = {}): Promise<Guarded> {
  const server = await RawServer.start((socket) => (answer === '' ? socket.destroy() : socket.write(answer)));
  const notAsked: ProxyError[] = [];
  const parts = {
    client: new UpstreamClient(bench().pools, server.peer),
    cookies: new SlotNumbers().next<readonly string[]>(),
    notAsked: (_: Exchange, error: ProxyError) => notAsked.push(error),
  };
  return { server, notAsked, filter: new ForwardAuth({ ...CONFIG, ...config }, parts) };
}

/** Runs the filter on a request. */
function decide(filter: ForwardAuth, exchange: Exchange): Promise<Decision> {
  const verdict = filter.onRequest(exchange);
  if (!(verdict instanceof Run)) throw new Error('the filter has not asked anything');
  return new Promise((resolve, reject) => verdict.start(resolve, reject));
}

/** The answer of the filter to a request. */
async function answered(filter: ForwardAuth, request: MemoryRequest = {}): Promise<MemoryExchange> {
  const exchange = new MemoryExchange(request);
  const action = await decide(filter, exchange);
  if (action === null) throw new Error('the request may pass');
  action.handle(exchange);
  await exchange.done;
  return exchange;
}

const ok = (...lines: readonly string[]): string =>
  ['HTTP/1.1 200 OK', ...lines, 'Content-Length: 0', '', ''].join('\r\n');

describe('forward_auth', () => {
  it('asks by a GET without a body, and lets a request pass on a 2xx', async () => {
    const { filter, server } = await guarded('HTTP/1.1 204 No Content\r\n\r\n');
    const request = { method: 'POST', requestFraming: 5, fields: { 'content-length': '5', cookie: 'a=1' } };
    expect(await decide(filter, new MemoryExchange(request))).toBeNull();
    expect(server.received).toMatch(/^GET \/check\?a=b HTTP\/1\.1\r\n/);
    expect(server.received).toContain('X-Forwarded-Method: POST\r\n');
    expect(server.received).not.toMatch(/content-length/i);
  });

  it('changes nothing of a request that it adds nothing to', async () => {
    const { filter } = await guarded(ok());
    const exchange = new MemoryExchange();
    await decide(filter, exchange);
    expect(exchange.effective).toBeNull();
  });

  it('gives the answer to the client when it is no 2xx, redirects included', async () => {
    const { filter, server } = await guarded(
      'HTTP/1.1 302 Found\r\nLocation: /login\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlogin\r\n0\r\n\r\n',
    );
    const { status, responseFields, body, framing } = await answered(filter);
    expect([status, body.toString(), framing]).toEqual([302, 'login', 5]);
    expect([...responseFields.entries()].filter(([name]) => name !== 'Transfer-Encoding')).toEqual([
      ['Location', '/login'],
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
    expect(server.sockets).toHaveLength(1);
  });

  it('gives the head alone to a HEAD', async () => {
    const { filter } = await guarded('HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno');
    const { status, framing, body } = await answered(filter, { method: 'HEAD' });
    expect([status, framing, body.length]).toEqual([401, 2, 0]);
  });

  it('passes on what a 2xx sets as cookies, line by line', async () => {
    const { filter } = await guarded(ok('Set-Cookie: a=1; Path=/', 'set-cookie: b=2'));
    const exchange = new MemoryExchange();
    await decide(filter, exchange);
    const head = new ResponseHead(200, 'OK', Fields.of([['Set-Cookie', 'own=0']]), 0, false);
    filter.onResponse(exchange, head);
    expect([...head.fields.entries()]).toEqual([
      ['Set-Cookie', 'own=0'],
      ['Set-Cookie', 'a=1; Path=/'],
      ['Set-Cookie', 'b=2'],
    ]);
  });
});

describe('add_headers of forward_auth', () => {
  const addHeaders = ['X-User', 'X-Groups', 'Authorization'];

  it('sets what the answer has, in place of what the client sent', async () => {
    const { filter } = await guarded(ok('x-user: alice', 'X-Groups: a', 'X-Groups: b', 'X-Other: c'), { addHeaders });
    const exchange = new MemoryExchange({ fields: { 'x-USER': 'mallory', accept: '*/*' } });
    await decide(filter, exchange);
    expect([...(exchange.effective?.requestFields.entries() ?? [])]).toEqual([
      ['accept', '*/*'],
      ['X-User', 'alice'],
      ['X-Groups', 'a, b'],
    ]);
    expect(exchange.requestFields.get('x-user')).toBe('mallory');
  });

  it.each(['X-User', 'x-user', 'X_User', 'x_groups', 'AUTHORIZATION'])('removes the %s of a client', async (name) => {
    const { filter } = await guarded(ok(), { addHeaders });
    const exchange = new MemoryExchange({ fields: { [name]: 'mallory' } });
    await decide(filter, exchange);
    expect([...(exchange.effective?.requestFields.entries() ?? [['nothing', 'changed']])]).toEqual([]);
  });

  it('removes them when the auth server could not be asked and the request passes', async () => {
    const { filter, notAsked } = await guarded('', { addHeaders, fail: 'open' });
    const exchange = new MemoryExchange({ fields: { 'X-User': 'mallory' } });
    expect(await decide(filter, exchange)).toBeNull();
    expect(exchange.effective?.requestFields.has('x-user')).toBe(false);
    expect(notAsked).toHaveLength(1);
  });

  it('keeps them out of trailers', async () => {
    const { filter } = await guarded(ok(), { addHeaders });
    const exchange = new MemoryExchange({ method: 'POST', requestFraming: CHUNKED });
    await decide(filter, exchange);
    const [stage] = exchange.effective?.stages ?? [];
    let ended: Fields | null = null;
    const next = {
      write() {},
      flush: () => 0 as never,
      end: (trailers: Fields | null) => ((ended = trailers), 0 as never),
    };
    stage.connect(next, { onDrain() {} }, { guard: (action) => action(), fail() {} });
    stage.end(
      Fields.of([
        ['X_User', 'mallory'],
        ['X-Checksum', '1'],
      ]),
    );
    expect([...(ended as unknown as Fields).entries()]).toEqual([['X-Checksum', '1']]);
  });
});

describe('forward_auth without an answer', () => {
  const CASES: readonly [string, string][] = [
    ['closes the connection', ''],
    ['says nonsense', 'nonsense\r\n\r\n'],
    ['says nothing in time', 'HTTP/1.1 200'],
  ];

  it.each(CASES)('fails closed when the auth server %s', async (_, answer) => {
    const { filter, server, notAsked } = await guarded(answer, { timeout: 100 });
    const error = await decide(filter, new MemoryExchange()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'auth_failed',
      status: 502,
      text: 'Forward auth request failed\n',
      upstream: server.peer.text,
    });
    expect(notAsked).toEqual([]);
    await vi.waitFor(() => expect(server.open).toBe(0));
  });

  it.each([CASES[0], CASES[2]])(
    'lets requests pass when the auth server %s and the config says so',
    async (_, answer) => {
      const { filter, notAsked } = await guarded(answer, { timeout: 100, fail: 'open' });
      expect(await decide(filter, new MemoryExchange())).toBeNull();
      expect(notAsked.map(({ code }) => code)).toEqual(['auth_failed']);
    },
  );

  it('lets no request pass that the auth server reacts to with nonsense, whatever the config says', async () => {
    const { filter, notAsked } = await guarded('nonsense\r\n\r\n', { timeout: 100, fail: 'open' });
    await expect(decide(filter, new MemoryExchange())).rejects.toMatchObject({ code: 'auth_failed' });
    expect(notAsked).toEqual([]);
  });

  it.each([
    ['stops inside of its body', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nno'],
    ['has a body that is too long', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 1048577\r\n\r\n'],
    ['says so while its body is malformed', 'HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ])('lets no request pass when a denial %s, whatever the config says', async (_, answer) => {
    const { filter, notAsked } = await guarded(answer, { timeout: 100, fail: 'open' });
    await expect(decide(filter, new MemoryExchange())).rejects.toMatchObject({ code: 'auth_failed' });
    expect(notAsked).toEqual([]);
  });

  it('passes on a 2xx whose body does not come, or is very long', async () => {
    for (const length of [10, 5_000_000]) {
      const { filter } = await guarded(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
      expect(await decide(filter, new MemoryExchange())).toBeNull();
    }
  });

  it('gives the auth request up when the exchange ends, and touches nothing', async () => {
    const { filter, server, notAsked } = await guarded('HTTP/1.1 200', { addHeaders: ['X-User'], fail: 'open' });
    const exchange = new MemoryExchange();
    const verdict = filter.onRequest(exchange) as Run<Decision>;
    const called = vi.fn();
    verdict.start(called, called);
    await vi.waitFor(() => expect(server.received).not.toBe(''));
    verdict.abort(new ProxyError('client_closed', 'the client left'));
    await vi.waitFor(() => expect(server.open).toBe(0));
    expect(called).not.toHaveBeenCalled();
    expect(notAsked).toEqual([]);
  });
});
