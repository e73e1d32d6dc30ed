import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head, Proxied, response, undated } from '../testing/proxied.ts';
import { RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

const OK = response('ok');
const OURS = ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Host: a.test', 'X-Forwarded-Proto: http', 'Via: 1.1 prox'];

describe('the request that the upstream receives', () => {
  let proxied: Proxied;
  beforeAll(async () => {
    proxied = await Proxied.start();
  });
  afterEach(() => proxied.reset());
  afterAll(() => proxied.stop());
  const host = (): string => `Host: ${proxied.upstream.authority}`;

  it.each<[string, string[], string[]]>([
    [
      'keeps names, order, repetition and spelling',
      ['X-b: 1', 'x-A: 2', 'X-b: 3', 'X-Empty:', 'X-UTF: \xc3\xa9'],
      ['X-b: 1', 'x-A: 2', 'X-b: 3', 'X-Empty: ', 'X-UTF: \xc3\xa9'],
    ],
    ['has white space around values removed', ['X-A: \t b c \t', 'X-B:d'], ['X-A: b c', 'X-B: d']],
    [
      'lacks what is for one hop',
      [
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'TE: gzip',
        'Upgrade: h2c',
        'HTTP2-Settings: abc',
        'X-A: b',
      ],
      ['X-A: b'],
    ],
    [
      'lacks what Connection names',
      ['Connection: X-Hop, keep-alive ,\tx-other', 'x-hop: 1', 'X-Other: 2', 'X-Kept: 3'],
      ['X-Kept: 3'],
    ],
    [
      'keeps Authorization and Proxy-Authorization of its own',
      ['Authorization: Basic YQ==', 'Cookie: a=b'],
      ['Authorization: Basic YQ==', 'Cookie: a=b'],
    ],
  ])('%s', async (_, fields, expected) => {
    const { request, received } = await proxied.exchange(head('GET /x HTTP/1.1', 'Host: a.test', ...fields), OK, 'ok');
    expect(request).toBe(head('GET /x HTTP/1.1', host(), ...expected, ...OURS));
    expect(undated(received)).toBe(OK);
  });

  it('names the client anew, whatever the client says of itself', async () => {
    const lies = [
      'X-Forwarded-For: 1.1.1.1',
      'X-Forwarded-Host: evil',
      'X-Forwarded-Proto: https',
      'Forwarded: for=1.1.1.1',
    ];
    const { request } = await proxied.exchange(head('GET / HTTP/1.1', 'Host: a.test', ...lies), OK, 'ok');
    expect(request).toBe(head('GET / HTTP/1.1', host(), ...OURS));
  });

  it('extends Via', async () => {
    const { request } = await proxied.exchange(
      head('GET / HTTP/1.1', 'Host: a.test', 'Via: 1.0 fred', 'Via: HTTP/1.1 p'),
      OK,
      'ok',
    );
    expect(request).toContain('\r\nVia: 1.0 fred, HTTP/1.1 p, 1.1 prox\r\n');
  });

  it('cannot lose Host or framing to Connection', async () => {
    const sent = `${head('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 2', 'Connection: Host, Content-Length, X-Forwarded-For')}hi`;
    const { request, body } = await proxied.exchange(sent, OK, 'ok');
    expect(request).toBe(head('POST / HTTP/1.1', host(), 'Content-Length: 2', ...OURS));
    expect(body).toBe('hi');
  });

  it.each([
    ['/a/./b/../c', '/a/c'],
    ['/%7euser/%2e%2E/x', '/x'],
    ['/a%2fb', '/a%2Fb'],
    ['/a//b', '/a//b'],
    ['//a/..//b/', '///b/'],
    ['/@scope%2fname', '/@scope%2Fname'],
    ['/%40\\x', '/%40%5Cx'],
    ['/caf\xc3\xa9?q=\xc3\xa9', '/caf%C3%A9?q=%C3%A9'],
    ['/?a=/../b', '/?a=/../b'],
    ['/x?', '/x?'],
    ['/x?a=1&b=%7e#'.slice(0, -1), '/x?a=1&b=%7e'],
  ])('has its path in forward form: %s', async (sent, expected) => {
    const { request } = await proxied.exchange(head(`GET ${sent} HTTP/1.1`, 'Host: a.test'), OK, 'ok');
    expect(request.split('\r\n')[0]).toBe(`GET ${expected} HTTP/1.1`);
  });

  it('has origin-form where the client sent absolute-form, whose authority wins', async () => {
    const { request } = await proxied.exchange(head('GET http://a.test:80/x?y HTTP/1.1', 'Host: other.test'), OK, 'ok');
    expect(request.split('\r\n')[0]).toBe('GET /x?y HTTP/1.1');
    expect(request).toContain('\r\nX-Forwarded-Host: a.test:80\r\n');
    expect(request).not.toContain('other.test');
  });

  it.each([
    ['* HTTP/1.1', '*'],
    ['http://a.test HTTP/1.1', '*'],
  ])('of OPTIONS %s is for the whole server', async (target, expected) => {
    const { request } = await proxied.exchange(head(`OPTIONS ${target}`, 'Host: a.test'), OK, 'ok');
    expect(request).toBe(head(`OPTIONS ${expected} HTTP/1.1`, host(), ...OURS));
  });

  it.each([
    ['TRACE', '3', '2'],
    ['OPTIONS', '1', '0'],
    ['GET', '1', '1'],
  ])('of %s with Max-Forwards: %s has %s', async (method, sent, expected) => {
    const { request } = await proxied.exchange(
      head(`${method} / HTTP/1.1`, 'Host: a.test', `Max-Forwards: ${sent}`),
      OK,
      'ok',
    );
    expect(request).toContain(`\r\nMax-Forwards: ${expected}\r\n`);
  });

  it('is none when Max-Forwards is used up', async () => {
    const sent = head('OPTIONS / HTTP/1.1', 'Host: a.test', 'Max-Forwards: 0', 'Connection: close');
    const { received, requests } = await proxied.exchange(sent, OK);
    expect(undated(received)).toBe(head('HTTP/1.1 204 No Content', 'Connection: close'));
    expect(requests).toEqual([]);
  });

  it('has whatever method the client sent', async () => {
    const { request } = await proxied.exchange(head("M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1", 'Host: a.test'), OK, 'ok');
    expect(request.split('\r\n')[0]).toBe("M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1");
  });
});

describe('the response that the client receives', () => {
  let proxied: Proxied;
  beforeAll(async () => {
    proxied = await Proxied.start();
  });
  afterEach(() => proxied.reset());
  afterAll(() => proxied.stop());

  it('lacks what is for one hop and what Connection names, and keeps the rest', async () => {
    const fields = [
      'Connection: X-Hop, keep-alive',
      'X-Hop: 1',
      'Keep-Alive: timeout=5',
      'Upgrade: h2c',
      'Set-Cookie: a',
      'Set-Cookie: b',
      'Server: s',
    ];
    const { received } = await proxied.exchange(
      head('GET / HTTP/1.1', 'Host: a.test'),
      response('ok', 'HTTP/1.1 299 Very Fine', ...fields),
      'ok',
    );
    expect(undated(received)).toBe(
      response('ok', 'HTTP/1.1 299 Very Fine', 'Set-Cookie: a', 'Set-Cookie: b', 'Server: s'),
    );
  });

  it('keeps the Date of the upstream, and gets one when it has none', async () => {
    const dated = response('ok', 'HTTP/1.1 200 OK', 'Date: Mon, 01 Jan 2001 00:00:00 GMT');
    const { received } = await proxied.exchange(head('GET / HTTP/1.1', 'Host: a.test'), dated, 'ok');
    expect(received).toBe(dated);
    await proxied.reset();
    const second = await proxied.exchange(head('GET / HTTP/1.1', 'Host: a.test'), OK, 'ok');
    expect(second.received).toMatch(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
  });
});

describe('options of the action', () => {
  /** The head that an upstream gets from an action. */
  async function seen(
    options: Parameters<typeof Proxied.start>[0],
    ...lines: string[]
  ): Promise<{ head: string; authority: string }> {
    const proxied = await Proxied.start(options);
    try {
      const { request, received } = await proxied.exchange(head('GET /x?q HTTP/1.1', ...lines), OK, 'ok');
      expect(undated(received)).toBe(OK);
      return { head: request, authority: proxied.upstream.authority };
    } finally {
      await proxied.stop();
    }
  }

  it('headers set, replace and name Host', async () => {
    const action = { headers: { Host: 'set.test', 'X-New': 'n', 'x-old': 'replaced' } };
    const { head: request } = await seen({ action }, 'Host: a.test', 'X-Old: 1', 'X-OLD: 2');
    expect(request).toBe(head('GET /x?q HTTP/1.1', 'Host: set.test', ...OURS, 'X-New: n', 'x-old: replaced'));
  });

  it('preserve_host keeps the host of the client', async () => {
    const { head: request } = await seen({ action: { preserve_host: true } }, 'Host: A.test:81');
    expect(request).toContain('\r\nHost: A.test:81\r\n');
  });

  it('an upstream with a path prefixes the path', async () => {
    const { head: request, authority } = await seen({ prefix: '/api/' }, 'Host: a.test');
    expect(request.split('\r\n').slice(0, 2)).toEqual(['GET /api/x?q HTTP/1.1', `Host: ${authority}`]);
  });

  it('trusted_proxies are believed, and their fields extended', async () => {
    const before = [
      'X-Forwarded-For: 9.9.9.9, 8.8.8.8',
      'X-Forwarded-Host: first.test',
      'X-Forwarded-Proto: https',
      'Forwarded: for=9.9.9.9',
    ];
    const { head: request } = await seen({ limits: { trusted_proxies: ['127.0.0.0/8'] } }, 'Host: a.test', ...before);
    expect(request.split('\r\n').slice(2, -2)).toEqual([
      'X-Forwarded-For: 9.9.9.9, 8.8.8.8, 127.0.0.1',
      'X-Forwarded-Host: first.test',
      'X-Forwarded-Proto: https',
      'Forwarded: for=9.9.9.9, for=127.0.0.1;proto=http',
      'Via: 1.1 prox',
    ]);
  });

  it('a unix socket serves as upstream', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prox-unix-'));
    const path = join(folder, 'up.sock');
    const upstream = await RawUpstream.start(path);
    const daemon = await TestDaemon.start(webConfig([{ action: { type: 'proxy', upstream: `unix://${path}` } }]));
    upstream.serve(OK);
    const client = await RawClient.connect(daemon.port());
    for (let i = 0; i < 2; i++) {
      client.send(head('GET /x HTTP/1.1', 'Host: a.test'));
      await upstream.received(i + 1);
    }
    await client.until(() => undated(client.received) === OK + OK);
    expect(upstream.requests[0]?.head).toBe(head('GET /x HTTP/1.1', 'Host: localhost', ...OURS));
    expect(upstream.peers.length).toBe(1);
    client.destroy();
    await stopHealthy(daemon);
    await upstream.stop();
    await rm(folder, { recursive: true });
  });
});
