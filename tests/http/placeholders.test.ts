import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestDaemon } from '../testing/daemon.ts';
import { exchangeRaw } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';

/** Placeholders in header fields, towards clients and towards upstreams. */

let daemon: TestDaemon;
let upstream: RawUpstream;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  upstream.serve(() => 'HTTP/1.1 204 No Content\r\n\r\n');
  const show = {
    type: 'static',
    status: 200,
    headers: { 'X-Uri': '{uri}', 'X-Query': '{query}', 'X-Scheme': '{scheme}', 'X-Client': '{client}' },
  };
  const routes = [
    {
      match: { path: '/moved/*' },
      action: { type: 'static', status: 308, headers: { Location: 'https://{host}{path}?{query}' } },
    },
    {
      match: { domain: '*.app.test', path: '/host' },
      action: {
        type: 'proxy',
        upstream: upstream.authority,
        headers: { Host: '{match.domain}.internal:81', 'X-From': '{client} {scheme}' },
      },
    },
    {
      match: { path: '/same-host' },
      action: { type: 'proxy', upstream: upstream.authority, headers: { Host: '{host}' } },
    },
    {
      match: { path: '/script' },
      action: { type: 'static', status: 200, body_ref: { file: 'app.js' } },
    },
    {
      match: { path: '/raw' },
      action: { type: 'static', status: 200, body_ref: { file: 'app.js', raw: true } },
    },
    { action: show },
  ];
  const service = { listen: '127.0.0.1:0', routes };
  const config = {
    services: { web: service, behind: { ...service, config: { trusted_proxies: ['127.0.0.1'] } } },
  };
  daemon = await TestDaemon.start(config, { files: { 'app.js': 'const m = "{method}", o = {a: {b}};' } });
});
afterAll(async () => {
  await daemon.stop();
  await upstream.stop();
});

async function ask(target: string, fields = '', service = 'web', host = 'h.test:8080'): Promise<string> {
  const head = `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`;
  return exchangeRaw(daemon.port(service), head);
}

describe('answers', () => {
  it('lead to where the request went', async () => {
    expect(await ask('/moved/a%20b?x=%2F&y')).toContain('\r\nLocation: https://h.test:8080/moved/a%20b?x=%2F&y\r\n');
    expect(await ask('/moved/a')).toContain('\r\nLocation: https://h.test:8080/moved/a?\r\n');
  });

  it('name path, query, scheme and client', async () => {
    const answer = await ask('/a%2Fb?q=1&q=%0d%0a', 'X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n');
    expect(answer).toContain('\r\nX-Uri: /a%2Fb?q=1&q=%0d%0a\r\nX-Query: q=1&q=%0d%0a\r\nX-Scheme: http\r\n');
    expect(answer).toContain('\r\nX-Client: 127.0.0.1\r\n');
  });

  it('believe a trusted proxy', async () => {
    const fields = 'X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n';
    const answer = await ask('/', fields, 'behind');
    expect(answer).toContain('\r\nX-Scheme: https\r\nX-Client: 192.0.2.1\r\n');
    expect(await ask('/', 'X-Forwarded-Proto: "><\r\n', 'behind')).toContain('\r\nX-Scheme: http\r\n');
  });

  it('fill in files, unless they are raw, and warn of scripts', async () => {
    expect(await ask('/script')).toContain('\r\n\r\nconst m = "GET", o = {a: {b}};');
    expect(await ask('/raw')).toContain('\r\n\r\nconst m = "{method}", o = {a: {b}};');
    const warning = await daemon.logged(({ level, msg }) => level === 'warn' && msg.includes('raw: true'));
    expect(warning.msg).toMatch(
      /file: `\{method\}` in it is filled in for each request; `raw: true` sends the file as it is$/,
    );
  });
});

describe('requests to upstreams', () => {
  const last = (): string => upstream.requests.at(-1)?.head ?? '';

  it('carry a Host that is made of the domain', async () => {
    await ask('/host', '', 'web', 'eu.app.test');
    expect(last()).toContain('\r\nHost: eu.internal:81\r\n');
    expect(last()).toContain('\r\nX-From: 127.0.0.1 http\r\n');
    await ask('/same-host');
    expect(last()).toContain('\r\nHost: h.test:8080\r\n');
  });

  it('carry the host of the upstream where a client sent none', async () => {
    await exchangeRaw(daemon.port(), 'GET /same-host HTTP/1.0\r\n\r\n');
    expect(last()).toContain(`\r\nHost: ${upstream.authority}\r\n`);
  });
});
