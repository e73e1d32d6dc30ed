import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { ServeConfig } from '../config/index.ts';
import type { Action } from '../exchange/index.ts';
import { DEFAULT_PATH_RULES } from '../message/index.ts';
import { createServeAction } from './serve.ts';
import { MemoryExchange, type MemoryRequest } from '../exchange/testing/memory-exchange.ts';
import { LASTING_CACHE, NO_CACHE } from './testing/serve-cache.ts';
import { ServedFolder } from './testing/served-folder.ts';

function config(where: { root: string } | { file: string }, cache = NO_CACHE): ServeConfig {
  return {
    type: 'serve',
    name: null,
    plugins: [],
    accessLog: null,
    position: { file: 'prox.json5', line: 1, column: 1 },
    root: 'root' in where ? where.root : null,
    file: 'file' in where ? where.file : null,
    cache,
  };
}

/** Paths are given in match form; `//` is in some, as where slashes are not merged. */
const pathRules = { ...DEFAULT_PATH_RULES, mergeSlashes: false };

async function get(where: { root: string } | { file: string }, request: MemoryRequest, patterns: string[] = []) {
  const exchange = await answered(createServeAction(config(where), { pathPatterns: patterns, pathRules }), request);
  const cached = createServeAction(config(where, LASTING_CACHE), { pathPatterns: patterns, pathRules });
  const [first, second] = [await answered(cached, request), await answered(cached, request)];
  // Whether a file comes from the disk or from memory is nothing that a client can tell.
  expect(answerOf(first)).toEqual(answerOf(exchange));
  expect(answerOf(second)).toEqual(answerOf(exchange));
  return exchange;
}

async function answered(action: Action, request: MemoryRequest): Promise<MemoryExchange> {
  const exchange = new MemoryExchange(request);
  action.handle(exchange);
  await exchange.done;
  expect(exchange.violations).toEqual([]);
  return exchange;
}

function answerOf({ status, events, responseFields, body, framing }: MemoryExchange) {
  return { status, events, fields: [...responseFields.entries()], body: body.toString('latin1'), framing };
}

const folder = new ServedFolder();
const { root } = folder;

beforeAll(() => {
  folder.write({
    'www/index.html': '<h1>home</h1>',
    'www/a.css': 'a{}',
    'www/a.css.br': 'BROTLI',
    'www/a.css.gz': 'GZIPPED!',
    'www/plain.txt': 'abcdefghijklmnopqrstuvwxyz',
    'www/empty.txt': '',
    'www/README': 'read me',
    'www/grün €.txt': 'unicode',
    'www/docs/index.html': 'docs',
    'www/docs/100%.txt': 'percent',
    'www/bare/other.txt': 'no index here',
    'www/index-folder/index.html/x': 'a folder named index.html',
    'www/static/a.css': 'a file below a folder named like the prefix',
    'www/.env': 'SECRET',
    'www/.git/config': 'SECRET',
    'www/.well-known/security.txt': 'contact',
    'www/page.html.gz': 'a sibling without an original',
    'www/photo.png': 'PNG',
    'www/photo.png.gz': 'never looked at',
  });
});

afterAll(() => folder.remove());

describe('serve: paths', () => {
  const FOUND: readonly [path: string, patterns: string[], body: string, type: string][] = [
    ['/', [], '<h1>home</h1>', 'text/html; charset=utf-8'],
    ['/index.html', [], '<h1>home</h1>', 'text/html; charset=utf-8'],
    ['/plain.txt', ['/*'], 'abcdefghijklmnopqrstuvwxyz', 'text/plain; charset=utf-8'],
    ['/README', [], 'read me', 'application/octet-stream'],
    ['/gr%C3%BCn%20%E2%82%AC.txt', [], 'unicode', 'text/plain; charset=utf-8'],
    ['/docs/', [], 'docs', 'text/html; charset=utf-8'],
    ['/docs/100%25.txt', [], 'percent', 'text/plain; charset=utf-8'],
    ['/.well-known/security.txt', [], 'contact', 'text/plain; charset=utf-8'],
    // The prefix of the route is stripped, an exact path is not.
    ['/static/a.css', ['/static/*'], 'a{}', 'text/css; charset=utf-8'],
    ['/static/', ['/static/*'], '<h1>home</h1>', 'text/html; charset=utf-8'],
    ['/static/docs/', ['/x', '/static/*'], 'docs', 'text/html; charset=utf-8'],
    ['/a.css', ['/a.css'], 'a{}', 'text/css; charset=utf-8'],
    ['/static/a.css', ['/static/a.css'], 'a file below a folder named like the prefix', 'text/css; charset=utf-8'],
    ['/gr%C3%BCn/a.css', ['/grün/*'], 'a{}', 'text/css; charset=utf-8'],
  ];

  it.each(FOUND)('GET %s on %j', async (path, patterns, body, type) => {
    const exchange = await get({ root }, { path }, patterns);
    expect([exchange.status, exchange.body.toString(), exchange.field('content-type')]).toEqual([200, body, type]);
    expect(exchange.framing).toBe(Buffer.byteLength(body));
  });

  it.each([
    '/missing',
    '/plain.txt/',
    '/plain.txt/x',
    '/bare/',
    '/index-folder/',
    '/.env',
    '/.git/config',
    '/.git/',
    '/page.html',
    `/${'a'.repeat(300)}`,
    `/${'a/'.repeat(3000)}`,
    // What routes have not merged or decoded is not merged or decoded here.
    '//plain.txt',
    '/docs//',
    '/docs//index.html',
    '/docs%2Findex.html',
    '/docs\\index.html',
    '/plain.txt%00.html',
    '*',
  ])('GET %s is a 404', async (path) => {
    const exchange = await get({ root }, { path });
    expect(exchange.events).toEqual(['fail not_found']);
    expect(exchange.status).toBe(404);
  });

  it('is a 404 while the root is missing, and not for ever', async () => {
    const late = folder.path('late');
    expect((await get({ root: late }, { path: '/' })).status).toBe(404);
    folder.write({ 'late/index.html': 'there' });
    expect((await get({ root: late }, { path: '/' })).status).toBe(200);
  });

  it('answers every path with the one file, and its type', async () => {
    for (const path of ['/', '/any/path', '/..%2f', '/.env']) {
      const exchange = await get({ file: folder.path('www/a.css') }, { path }, ['/*']);
      expect([exchange.body.toString(), exchange.field('Content-Type')]).toEqual(['a{}', 'text/css; charset=utf-8']);
    }
  });

  it('has siblings for the one file, too', async () => {
    const exchange = await get({ file: folder.path('www/a.css') }, { fields: { 'Accept-Encoding': 'br' } });
    expect(exchange.body.toString()).toBe('BROTLI');
  });

  it.each(['www', 'www/missing.html'])('is a 404 when the one file is %s', async (path) => {
    expect((await get({ file: folder.path(path) }, { path: '/' })).events).toEqual(['fail not_found']);
  });
});

describe('serve: folders without a slash', () => {
  const REDIRECTS: readonly [path: string, query: string, location: string, patterns: string[]][] = [
    ['/docs', '', '/docs/', []],
    ['/docs', '?a=1&b', '/docs/?a=1&b', []],
    ['/bare', '', '/bare/', []],
    ['/static/docs', '', '/static/docs/', ['/static/*']],
    // Never to another host.
    ['//docs', '', '/docs/', ['//*']],
    ['//docs', '?x', '/docs/?x', ['//*']],
  ];

  it.each(REDIRECTS)('%s%s goes to %s', async (path, query, location, patterns) => {
    const exchange = await get({ root }, { path, query }, patterns);
    expect(exchange.events).toEqual(['respond 308', 'end']);
    expect(exchange.field('Location')).toBe(location);
  });

  it.each(['/\\evil.example', '/%5Cevil.example', '//evil.example', '//evil.example/%2e%2e'])(
    'does not send %s anywhere',
    async (path) => {
      const exchange = await get({ root }, { path });
      expect(exchange.status).toBe(404);
      expect(exchange.field('Location')).toBeNull();
    },
  );
});

describe('serve: methods', () => {
  it('answers HEAD with the head of GET', async () => {
    const heads = await Promise.all(
      ['GET', 'HEAD'].map((method) => get({ root }, { method, path: '/a.css', fields: { 'Accept-Encoding': 'gzip' } })),
    );
    const [ofGet, ofHead] = heads.map(({ status, framing, responseFields }) => ({
      status,
      framing,
      fields: [...responseFields.entries()],
    }));
    expect(ofHead).toEqual(ofGet);
    expect(heads[1].events).toEqual(['respond 200', 'end']);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'get'])(
    'refuses %s and says what is allowed',
    async (method) => {
      const exchange = await get({ root }, { method, path: '/a.css', requestFraming: 5 });
      expect(exchange.events).toEqual(['respond 405', 'end']);
      expect(exchange.field('Allow')).toBe('GET, HEAD');
    },
  );

  it('leaves the body of a GET alone', async () => {
    const exchange = await get({ root }, { path: '/a.css', requestFraming: 5 });
    expect(exchange.events).toEqual(['respond 200', 'write 3', 'end']);
  });
});

describe('serve: fields', () => {
  it('sends validators and accepts ranges', async () => {
    const exchange = await get({ root }, { path: '/plain.txt' });
    const names = [...exchange.responseFields.entries()].map(([name]) => name);
    expect(names).toEqual(['Content-Type', 'ETag', 'Last-Modified', 'Accept-Ranges']);
    expect(exchange.field('ETag')).toMatch(/^"[0-9a-f]+-[0-9a-f]+"$/);
    expect(exchange.field('Accept-Ranges')).toBe('bytes');
  });

  it('sends an empty file', async () => {
    const exchange = await get({ root }, { path: '/empty.txt' });
    expect(exchange.events).toEqual(['respond 200', 'end']);
    expect(exchange.framing).toBe(0);
  });
});

describe('serve: compressed siblings', () => {
  const CASES: readonly [
    path: string,
    acceptEncoding: string | null,
    body: string,
    coding: string | null,
    vary: boolean,
  ][] = [
    ['/a.css', null, 'a{}', null, true],
    ['/a.css', 'identity', 'a{}', null, true],
    ['/a.css', 'gzip', 'GZIPPED!', 'gzip', true],
    ['/a.css', 'gzip, br', 'BROTLI', 'br', true],
    ['/a.css', 'zstd', 'a{}', null, true],
    ['/a.css', 'identity;q=0, *;q=0', 'a{}', null, true],
    ['/plain.txt', 'gzip, br', 'abcdefghijklmnopqrstuvwxyz', null, false],
    ['/photo.png', 'gzip', 'PNG', null, false],
  ];

  it.each(CASES)('%s for %j', async (path, acceptEncoding, body, coding, vary) => {
    const fields = acceptEncoding === null ? {} : { 'Accept-Encoding': acceptEncoding };
    const exchange = await get({ root }, { path, fields });
    expect(exchange.body.toString()).toBe(body);
    expect(exchange.field('Content-Encoding')).toBe(coding);
    expect(exchange.field('Vary')).toBe(vary ? 'Accept-Encoding' : null);
    if (path === '/a.css') expect(exchange.field('Content-Type')).toBe('text/css; charset=utf-8');
  });

  it('have entity tags of their own, which conditions look at', async () => {
    const codings = ['identity', 'gzip', 'br'];
    const tags = await Promise.all(
      codings.map(async (coding) =>
        (await get({ root }, { path: '/a.css', fields: { 'Accept-Encoding': coding } })).field('ETag'),
      ),
    );
    expect(new Set(tags).size).toBe(3);
    const fields = { 'Accept-Encoding': 'br', 'If-None-Match': tags[2] as string };
    const same = await get({ root }, { path: '/a.css', fields });
    expect([same.status, same.field('ETag'), same.field('Vary')]).toEqual([304, tags[2], 'Accept-Encoding']);
    const other = await get({ root }, { path: '/a.css', fields: { ...fields, 'If-None-Match': tags[1] as string } });
    expect(other.status).toBe(200);
  });

  it('are what ranges are counted in', async () => {
    const exchange = await get({ root }, { path: '/a.css', fields: { 'Accept-Encoding': 'gzip', Range: 'bytes=-3' } });
    expect([exchange.status, exchange.body.toString(), exchange.field('Content-Range')]).toEqual([
      206,
      'ED!',
      'bytes 5-7/8',
    ]);
  });
});
