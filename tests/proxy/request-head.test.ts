import { afterEach, describe, expect, it } from 'vitest';

import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { head, Proxied, type ProxiedOptions, response } from '../testing/proxied.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

const OK = response('ok');

let proxied: Proxied | null = null;
afterEach(async () => {
  await proxied?.stop();
  proxied = null;
});

/** What the upstream gets of a request with these fields. */
async function headAtUpstream(options: ProxiedOptions, target: string, ...fields: string[]): Promise<string[]> {
  proxied = await Proxied.start(options);
  const sent = head(`GET ${target} HTTP/1.1`, 'Host: a.test:81', ...fields);
  const { request } = await proxied.exchange(sent, OK, 'ok');
  return request.replaceAll(proxied.upstream.authority, 'UPSTREAM').split('\r\n').slice(0, -2);
}

describe('headers of the action', () => {
  it('take the place of what the client and prox would send, once each, in any spelling', async () => {
    const headers = {
      'x-forwarded-proto': 'https',
      'X-FORWARDED-FOR': 'unknown',
      via: '1.1 edge',
      'X-Forwarded-Host': '{host}',
      Accept: 'text/html',
    };
    const lies = ['X-Forwarded-Proto: ftp', 'x-forwarded-for: 1.1.1.1', 'Via: 1.0 fred', 'ACCEPT: a', 'accept: b'];
    expect(await headAtUpstream({ action: { headers } }, '/x', ...lies, 'X-A: b')).toEqual([
      'GET /x HTTP/1.1',
      'Host: UPSTREAM',
      'X-A: b',
      'x-forwarded-proto: https',
      'X-FORWARDED-FOR: unknown',
      'via: 1.1 edge',
      'X-Forwarded-Host: a.test:81',
      'Accept: text/html',
    ]);
  });

  it('of one action do not cost its fallback what the client sent', async () => {
    const [dying, second] = [await RawUpstream.start(), await RawUpstream.start()];
    second.serve(OK);
    // Goes away with the second request of its connection: the head was written, and the retry reaches no server.
    dying.serve(async () => {
      if (dying.requests.length === 1) return OK;
      await dying.stop();
      return null;
    });
    const headers = { Authorization: 'Basic primary', 'X-Forwarded-Proto': 'https', TE: 'x' };
    const first = { type: 'proxy', upstream: dying.authority, headers, fallback: 'second' };
    const actions = { second: { type: 'proxy', upstream: second.authority } };
    const daemon = await TestDaemon.start(webConfig([{ action: first }], {}, { actions }));
    const fields = ['Host: a', 'Authorization: Basic client', 'TE: trailers'];
    await exchangeRaw(daemon.port(), head('GET /1 HTTP/1.1', ...fields, 'Connection: close'));
    expect(dying.requests[0]?.head).toMatch(/\r\nAuthorization: Basic primary\r\n[^]*TE: x\r\n\r\n$/);
    expect(await exchangeRaw(daemon.port(), head('GET /2 HTTP/1.1', ...fields, 'Connection: close, TE'))).toContain(
      'ok',
    );
    const received = second.requests[0]?.head.split('\r\n');
    expect(received).toEqual(expect.arrayContaining(['Authorization: Basic client', 'TE: trailers']));
    expect(received).toContain('X-Forwarded-Proto: http');
    await second.stop();
    await stopHealthy(daemon);
  });

  it('may hold placeholders; a Host among them goes before preserve_host', async () => {
    const headers = { Host: 'shop.internal:80', 'X-Where': '{method} {path} {match.path} {domain.pattern}' };
    const upstream = await RawUpstream.start();
    upstream.serve(OK);
    const action = { type: 'proxy', upstream: upstream.authority, headers, preserve_host: true };
    const match = { domain: '*.shop.test', path: '/a/*' };
    const daemon = await TestDaemon.start(webConfig([{ match, action }]));
    const sent = head('GET /a/%7e?q={path} HTTP/1.1', 'Host: Eu.Shop.test', 'Connection: close');
    expect(await exchangeRaw(daemon.port(), sent)).toContain(' 200 OK');
    const received = upstream.requests[0]?.head.split('\r\n') ?? [];
    expect(received[0]).toBe('GET /a/~?q={path} HTTP/1.1');
    expect(received).toContain('Host: shop.internal:80');
    expect(received).toContain('X-Where: GET /a/~ /a/* *.shop.test');
    await upstream.stop();
    await stopHealthy(daemon);
  });

  it('cannot be made to end a line by what the client sends', async () => {
    const headers = { 'X-Path': '{path}', 'X-Host': '{host}' };
    const lines = await headAtUpstream({ action: { headers } }, '/a%0d%0aX-Evil:%201');
    expect(lines).toContain('X-Path: /a%0D%0AX-Evil:%201');
    expect(lines.some((line) => line.startsWith('X-Evil'))).toBe(false);
  });
});

describe('a trusted proxy', () => {
  const trusting = { limits: { trusted_proxies: ['127.0.0.0/8'] } };

  it('is believed, and its lists get one more entry', async () => {
    const fields = [
      'X-Forwarded-For: 9.9.9.9',
      'X-Forwarded-For: 8.8.8.8',
      'Forwarded: for=9.9.9.9;proto=https',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop.test',
      'Via: 2 edge',
    ];
    expect(await headAtUpstream(trusting, '/', ...fields)).toEqual([
      'GET / HTTP/1.1',
      'Host: UPSTREAM',
      'X-Forwarded-For: 9.9.9.9, 8.8.8.8, 127.0.0.1',
      'X-Forwarded-Host: shop.test',
      'X-Forwarded-Proto: https',
      'Forwarded: for=9.9.9.9;proto=https, for=127.0.0.1;proto=http',
      'Via: 2 edge, 1.1 prox',
    ]);
  });

  it('that tells nothing is spoken for as a client is', async () => {
    expect(await headAtUpstream(trusting, '/')).toEqual([
      'GET / HTTP/1.1',
      'Host: UPSTREAM',
      'X-Forwarded-For: 127.0.0.1',
      'X-Forwarded-Host: a.test:81',
      'X-Forwarded-Proto: http',
      'Via: 1.1 prox',
    ]);
  });
});

describe('the template of an upstream', () => {
  it('is filled from set and the target, also where they hold what a pattern would', async () => {
    const upstream = await RawUpstream.start();
    upstream.serve(OK);
    const route = {
      set: { version: 'v2', area: "$&-$'" },
      balancer: { type: 'roundrobin', targets: [upstream.authority] },
      action: { type: 'proxy', upstream: 'http://{target}/{version}/{area}' },
    };
    const daemon = await TestDaemon.start(webConfig([route]));
    const sent = head('GET //x/../z?a=%7e&b=|"{version} HTTP/1.1', 'Host: a.test', 'Connection: close');
    expect(await exchangeRaw(daemon.port(), sent)).toContain(' 200 OK');
    const [request] = upstream.requests;
    expect(request?.head.split('\r\n').slice(0, 2)).toEqual([
      'GET /v2/$&-$\'//z?a=%7e&b=|"{version} HTTP/1.1',
      `Host: ${upstream.authority}`,
    ]);
    await upstream.stop();
    await stopHealthy(daemon);
  });
});
