import { describe, expect, it } from 'vitest';

import { load, problemsOf } from '../../config/testing/config-folder.ts';
import { type CompileContext, type Filter, ResponseHead } from '../../exchange/index.ts';
import { MemoryExchange, type MemoryRequest } from '../../exchange/testing/memory-exchange.ts';
import { StagedBody } from '../../exchange/testing/staged-body.ts';
import { CHUNKED, Fields } from '../../message/index.ts';
import { subFilter } from './index.ts';
import type { SubFilterConfig } from './sub-filter.ts';

function textOf(fields: string): string {
  return `{
  plugins: { a: { category: 'sub_filter', ${fields} } },
  services: { web: { listen: ':1', routes: [{ action: { type: 'static', status: 200 }, plugins: ['a'] }] } },
}`;
}

async function configOf(fields: string): Promise<SubFilterConfig> {
  const { plugins } = await load({ 'prox.json5': textOf(fields) }, 'prox.json5', [subFilter]);
  return structuredClone((plugins['a'] as { readonly config: SubFilterConfig }).config);
}

const RULE = `filters: ["sub_filter 'a' 'b'"]`;

async function filterOf(fields = RULE): Promise<Filter> {
  return subFilter.compile(await configOf(fields), {} as CompileContext);
}

interface Given {
  readonly config?: string;
  readonly request?: MemoryRequest;
  readonly status?: number;
  readonly fields?: Readonly<Record<string, string>>;
}

async function filtered({ config, request = {}, status = 200, fields = {} }: Given = {}): Promise<ResponseHead> {
  const filter = await filterOf(config);
  const all = Fields.of(Object.entries({ 'Content-Type': 'text/html; charset=utf-8', ...fields }));
  const head = new ResponseHead(status, '', all, 5, request.method === 'HEAD');
  filter.onResponse?.(new MemoryExchange(request), head);
  return head;
}

describe('a response in which text is replaced', () => {
  const fields = {
    ETag: '"a"',
    'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT',
    'Content-Length': '5',
    'Accept-Ranges': 'bytes',
    'Content-Digest': 'sha-256=:x:',
  };

  it('loses what was true of the old text', async () => {
    const head = await filtered({ fields });
    expect([...head.fields.entries()]).toEqual([['Content-Type', 'text/html; charset=utf-8']]);
    expect(head.framing).toBe(CHUNKED);
    const body = new StagedBody(...(head.stages ?? []));
    expect(String(await body.send(Buffer.from('xax'), [1]))).toBe('xbx');
  });

  it('has the same fields when HEAD asked for it', async () => {
    const head = await filtered({ fields, request: { method: 'HEAD' } });
    expect([...head.fields.entries()]).toEqual([['Content-Type', 'text/html; charset=utf-8']]);
    expect(head.stages).toBeNull();
  });

  it('has state of its own', async () => {
    const filter = await filterOf();
    for (let i = 0; i < 2; i++) {
      const head = new ResponseHead(200, '', Fields.of([['Content-Type', 'text/html']]), 5, false);
      filter.onResponse?.(new MemoryExchange(), head);
      // Without the flag g each body has its first text replaced.
      expect(String(await new StagedBody(...(head.stages ?? [])).send(Buffer.from('aa'), []))).toBe('ba');
    }
  });

  it.each([
    [{ status: 404 }],
    [{ fields: { 'Content-Encoding': 'identity' } }],
    [{ config: `${RULE}, status_codes: '2xx,404'`, status: 404 }],
    [{ config: `${RULE}, types: ['+json']`, fields: { 'Content-Type': 'application/a+json' } }],
    [{ config: `${RULE}, path: '^/docs/|\\\\.html$'`, request: { path: '/a.html' } }],
  ] satisfies [Given][])('is one with %j', async (given) => {
    expect((await filtered(given)).stages).toHaveLength(1);
  });

  it.each([
    [{ status: 206, fields: { 'Content-Range': 'bytes 0-4/9' } }],
    [{ status: 416, fields: { 'Content-Range': 'bytes */9' } }],
    [{ status: 204 }],
    [{ status: 304 }],
    [{ status: 304, request: { method: 'HEAD' } }],
    [{ fields: { 'Content-Encoding': 'gzip' } }],
    [{ fields: { 'Content-Type': 'text/css' } }],
    [{ fields: { 'Cache-Control': 'private, no-transform' } }],
    [{ config: `${RULE}, status_codes: '200'`, status: 404 }],
    [{ config: `${RULE}, path: '^/docs/'`, request: { path: '/a/docs/' } }],
  ] satisfies [Given][])('is not one with %j', async (given: Given) => {
    const head = await filtered({ ...given, fields: { ETag: '"a"', ...given.fields } });
    expect([head.stages, head.fields.get('etag'), head.framing]).toEqual([null, '"a"', 5]);
  });
});

describe('a request', () => {
  it.each([
    [{}, { 'Accept-Encoding': 'gzip, br' }, 'identity'],
    [{}, {}, null],
    [{ path: '/docs/a' }, { 'Accept-Encoding': 'gzip' }, 'identity'],
    [{ path: '/a' }, { 'Accept-Encoding': 'gzip' }, 'gzip'],
  ])('with %j and %j has Accept-Encoding: %s for the upstream', async (request, fields, expected) => {
    const filter = await filterOf('path' in request ? `${RULE}, path: '^/docs/'` : RULE);
    const exchange = new MemoryExchange({ ...request, fields });
    expect(filter.onRequest?.(exchange)).toBeNull();
    const sent = exchange.effective?.requestFields ?? exchange.requestFields;
    expect(sent.get('accept-encoding')).toBe(expected);
    // What was received stays as it is: compression reads it for the client.
    expect(exchange.requestFields.get('accept-encoding')).toBe(Object.values(fields)[0] ?? null);
  });
});

describe('the config of sub_filter', () => {
  it('has rules in order, and defaults', async () => {
    const filters = String.raw`filters: ["sub_filter 'it\\'s' '' gi", " subs_filter  'a(b)'  '$1' "]`;
    expect(await configOf(filters)).toEqual({
      rules: [
        { kind: 'text', find: "it's", replacement: '', global: true, ignoreCase: true },
        { kind: 'pattern', find: 'a(b)', replacement: '$1', global: false, ignoreCase: false },
      ],
      path: null,
      statuses: null,
      types: ['text/html'],
    });
  });

  it.each([
    ['', 'filters: is required: expected a list of rules'],
    ['filters: []', 'filters: expected at least one rule, found an empty list'],
    [`filters: ["sub 'a' 'b'"]`, `filters[0]: expected a rule such as "sub_filter 'text' 'new' g" or "subs_filter`],
    [`filters: ["sub_filter 'a'"]`, 'filters[0]: expected a rule such as'],
    [`filters: ["sub_filter 'a' 'b' 'c'"]`, 'filters[0]: expected a rule such as'],
    [`filters: ["sub_filter '' 'b'"]`, `filters[0]: expected a text to look for, found ''`],
    [
      `filters: ["sub_filter 'a' 'b' gx"]`,
      'filters[0]: expected the flags g (every occurrence) and i (in any case), found "gx"',
    ],
    [`filters: ["subs_filter 'a(' 'b'"]`, 'filters[0]: expected a regular expression in the syntax of RE2, found "a("'],
    [`filters: ["subs_filter '(?=a)' 'b'"]`, 'invalid or unsupported Perl syntax'],
    [`filters: ["subs_filter '(a)\\\\1' 'b'"]`, 'filters[0]: expected a regular expression in the syntax of RE2'],
    [`filters: ["subs_filter 'a' '$1'"]`, 'there is no group for "$1" in the pattern'],
    [`filters: ["subs_filter '(a)' '\${b}'"]`, 'there is no group for "${b}" in the pattern'],
    [`${RULE}, path: '('`, 'path: expected a regular expression in the syntax of RE2, found "("'],
    [`${RULE}, status_codes: '200,'`, 'status_codes: expected statuses from 200 to 599'],
    [`${RULE}, types: ['html']`, 'types[0]: expected a media type in lower case such as "text/html"'],
    [`${RULE}, types: []`, 'types: expected at least one media type, found an empty list'],
  ])('refuses { %s }', async (fields, problem) => {
    const found = await problemsOf({ 'prox.json5': textOf(fields) }, 'prox.json5', [subFilter]);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(problem);
  });
});
