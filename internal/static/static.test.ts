import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ResourceConfig, StaticConfig } from '../config/index.ts';
import { FlushResult } from '../exchange/index.ts';
import { isFieldValue } from '../message/index.ts';
import { createDropAction } from './drop.ts';
import { createStaticAction } from './static.ts';
import { MemoryExchange, type MemoryRequest } from '../exchange/testing/memory-exchange.ts';

function config(more: Partial<StaticConfig> = {}): StaticConfig {
  return {
    type: 'static',
    name: null,
    plugins: [],
    accessLog: null,
    position: { file: 'prox.json5', line: 1, column: 1 },
    status: 200,
    headers: {},
    body: null,
    ...more,
  };
}

function text(body: string, contentType = 'text/plain; charset=utf-8'): ResourceConfig {
  return { kind: 'text', body: Buffer.from(body), contentType, raw: false };
}

function json(value: unknown): ResourceConfig {
  return { kind: 'json', body: Buffer.from(JSON.stringify(value)), contentType: 'application/json', raw: false };
}

function answer(staticConfig: StaticConfig, request: MemoryRequest = {}): MemoryExchange {
  const exchange = new MemoryExchange(request);
  createStaticAction(staticConfig).handle(exchange);
  expect(exchange.violations).toEqual([]);
  return exchange;
}

const REQUEST: MemoryRequest = {
  method: 'POST',
  path: '/api/users',
  query: '?a=1&b=%0d%0a',
  authority: 'CDN-eu.Example.com:8080',
  clientCertificate: { subject: 'CN=alice,O=Example', fingerprint: 'ab'.repeat(32) },
  route: {
    domainPattern: 'cdn-*.**',
    captures: () => ({ domain: 'eu', glob: 'example.com' }),
    matchedPath: () => '/api/*',
  },
};

const PLACEHOLDERS: readonly [name: string, value: string][] = [
  ['domain', 'cdn-eu.example.com'],
  ['domain.pattern', 'cdn-*.**'],
  ['match.domain', 'eu'],
  ['match.glob', 'example.com'],
  ['path', '/api/users'],
  ['match.path', '/api/*'],
  ['method', 'POST'],
  ['host', 'CDN-eu.Example.com:8080'],
  ['query', 'a=1&b=%0d%0a'],
  ['uri', '/api/users?a=1&b=%0d%0a'],
  ['scheme', 'http'],
  ['client', '127.0.0.1'],
  ['tls.client.subject', 'CN=alice,O=Example'],
  ['tls.client.fingerprint', 'ab'.repeat(32)],
];

describe('static', () => {
  it('answers with status, headers and body', () => {
    const exchange = answer(config({ status: 201, headers: { 'X-A': '1', Server: 'me' }, body: text('hallo') }));
    expect(exchange.events).toEqual(['respond 201', 'write 5', 'end']);
    expect([...exchange.responseFields.entries()]).toEqual([
      ['Content-Type', 'text/plain; charset=utf-8'],
      ['X-A', '1'],
      ['Server', 'me'],
    ]);
    expect(exchange.reason).toBe('Created');
    expect(exchange.body.toString()).toBe('hallo');
  });

  it('counts the length in bytes', () => {
    expect(answer(config({ body: text('grün €') })).framing).toBe(9);
    expect(answer(config({ body: text('grün {path}') }), { path: '/' }).framing).toBe(7);
  });

  it('has an empty body without a resource', () => {
    const exchange = answer(config({ status: 404 }));
    expect(exchange.events).toEqual(['respond 404', 'end']);
    expect(exchange.framing).toBe(0);
    expect(exchange.field('content-type')).toBeNull();
  });

  it('leaves an unknown status without a reason', () => {
    expect(answer(config({ status: 299 })).reason).toBe('');
  });

  it.each([204, 205, 304])('sends no body with %d', (status) => {
    const exchange = answer(config({ status, body: text('not sent') }));
    expect(exchange.events).toEqual([`respond ${status}`, 'end']);
    expect(exchange.framing).toBe(0);
    expect(exchange.field('content-type')).toBeNull();
  });

  it('answers HEAD with the head of GET', () => {
    const exchange = answer(config({ body: text('{method}') }), { method: 'HEAD' });
    expect(exchange.events).toEqual(['respond 200', 'end']);
    expect(exchange.framing).toBe(4);
    expect(exchange.field('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('leaves a request body alone', () => {
    expect(answer(config(), { method: 'POST', requestFraming: 10 }).events).not.toContain('resumeRequest');
  });

  it('prefers a configured Content-Type, whatever its case', () => {
    const exchange = answer(config({ headers: { 'content-type': 'text/css' }, body: text('a{}') }));
    expect(exchange.field('Content-Type')).toBe('text/css');
  });

  it.each(['Content-Length', 'transfer-encoding', 'Connection', 'Upgrade'])('does not let a config set %s', (name) => {
    expect(answer(config({ headers: { [name]: '3' }, body: text('hallo') })).field(name)).toBeNull();
  });

  it.each(PLACEHOLDERS)('fills in {%s} in bodies and headers', (name, value) => {
    const exchange = answer(config({ headers: { 'X-A': `<{${name}}>` }, body: text(`<{${name}}>`) }), REQUEST);
    expect(exchange.body.toString()).toBe(`<${value}>`);
    expect(exchange.field('X-A')).toBe(`<${value}>`);
  });

  it('leaves braces that are no placeholders alone', () => {
    expect(answer(config({ body: json({ a: {}, b: '{x}' }) })).body.toString()).toBe('{"a":{},"b":"{x}"}');
    expect(answer(config({ body: json({ a: '{path}' }) })).body.toString()).toBe('{"a":"/"}');
  });

  it('sends the same bytes again when nothing is to be filled in', () => {
    const action = createStaticAction(config({ body: text('a { b }') }));
    const buffers = [0, 1].map(() => {
      const exchange = new MemoryExchange();
      const seen: Buffer[] = [];
      exchange.write = (buffer) => void seen.push(buffer);
      exchange.end = () => FlushResult.taken;
      action.handle(exchange);
      return seen[0];
    });
    expect(buffers[0]).toBe(buffers[1]);
  });

  it.each(['text', 'json', 'file'] as const)('sends a raw body of the kind %s as it stands', (kind) => {
    const body = { kind, body: Buffer.from([0xff, ...Buffer.from('{path}')]), contentType: 'text/html', raw: true };
    expect(answer(config({ body })).body).toEqual(body.body);
  });

  it.each([
    ['text/html; charset=utf-8', '<p title="/&lt;">{x}'],
    ['text/javascript; charset=utf-8', '<p title="/\\u003C">{x}'],
    ['text/plain; charset=utf-8', '<p title="/<">{x}'],
  ])('fills in a file of the type %s', (contentType, expected) => {
    const body: ResourceConfig = { kind: 'file', body: Buffer.from('<p title="{path}">{x}'), contentType, raw: false };
    expect(answer(config({ body }), { path: '/<' }).body.toString()).toBe(expected);
  });

  it('tells nothing for an empty query', () => {
    const ask = (request: MemoryRequest): string | null =>
      answer(config({ headers: { 'X-A': '({query}) {uri} {scheme}' } }), request).field('X-A');
    expect(ask({ path: '/a' })).toBe('() /a http');
    expect(ask({ secure: true, query: '?' })).toBe('() /? https');
  });

  it('gives the fields of an exchange to that exchange alone', () => {
    const action = createStaticAction(config({ headers: { 'X-A': '1' } }));
    const first = new MemoryExchange();
    action.handle(first);
    first.responseFields.append('X-B', '2');
    const second = new MemoryExchange();
    action.handle(second);
    expect([...second.responseFields.entries()]).toEqual([['X-A', '1']]);
  });

  it('fails at load on a header name that is none', () => {
    expect(() => createStaticAction(config({ headers: { 'X A': '1' } }))).toThrow(TypeError);
    expect(() => createStaticAction(config({ headers: { 'X A': '{path}' } }))).toThrow(TypeError);
  });
});

describe('static: values from strangers', () => {
  const path = '/<b>"\'&';

  it('are escaped for JSON', () => {
    const { body } = answer(config({ body: json({ path: '{path}' }) }), { path });
    expect(JSON.parse(body.toString())).toEqual({ path });
  });

  it('are escaped for HTML', () => {
    const html = answer(config({ headers: { 'Content-Type': 'text/html' }, body: text('<p>{path}') }), { path });
    expect(html.body.toString()).toBe('<p>/&lt;b&gt;&quot;&#39;&amp;');
  });

  it('are no code of the scripts in a file', () => {
    const page = '<script>const {query} = read(); go(`/a?${query}#${uri}`)</script>{path}';
    const body: ResourceConfig = { kind: 'file', body: Buffer.from(page), contentType: 'text/html', raw: false };
    const exchange = answer(config({ body }), { path: '/p', query: '?a=1,b=alert(1);x' });
    expect(exchange.body.toString()).toBe(page.replace('{path}', '/p'));
  });

  it('are escaped as for HTML when the Content-Type depends on the request', () => {
    const exchange = answer(config({ headers: { 'Content-Type': '{match.glob}' }, body: text('{path}') }), {
      path,
      route: { captures: () => ({ domain: '', glob: 'text/html' }) },
    });
    expect(exchange.body.toString()).toBe('/&lt;b&gt;&quot;&#39;&amp;');
  });

  it('stay as they are in plain text', () => {
    expect(answer(config({ body: text('{path}') }), { path }).body.toString()).toBe(path);
  });

  it('cannot break a header', () => {
    const exchange = answer(config({ headers: { 'X-A': '{path}' } }), { path: '/a\r\nX-B: 1\0' });
    expect([...exchange.responseFields.entries()]).toEqual([['X-A', '/a%0D%0AX-B: 1%00']]);
  });

  it('leave no blank at the end of a header when they are empty', () => {
    expect(answer(config({ headers: { 'X-A': ' a {match.glob}' } })).field('X-A')).toBe('a');
  });

  it('go into headers as UTF-8 when they are patterns of the config', () => {
    const exchange = answer(config({ headers: { 'X-A': 'ü {match.path}' } }), { route: { matchedPath: () => '/€' } });
    expect(Buffer.from(exchange.field('X-A') ?? '', 'latin1').toString('utf8')).toBe('ü /€');
  });

  it('make a valid header whatever they are', () => {
    const action = createStaticAction(config({ headers: { 'X-A': '{path}{host}{query}{uri}' }, body: json('{path}') }));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (path, authority) => {
        const exchange = new MemoryExchange({ path, authority, query: `?${path}` });
        action.handle(exchange);
        const fields = [...exchange.responseFields.entries()];
        expect(fields.map(([name]) => name)).toEqual(['Content-Type', 'X-A']);
        expect(isFieldValue(fields[1]?.[1] ?? '')).toBe(true);
        expect(JSON.parse(exchange.body.toString())).toBe(path);
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('drop', () => {
  it('closes the connection without an answer', () => {
    const exchange = new MemoryExchange();
    createDropAction().handle(exchange);
    expect(exchange.events).toEqual(['drop dropped']);
    expect(exchange.responded).toBe(false);
  });
});
