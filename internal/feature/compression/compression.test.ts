import zlib from 'node:zlib';

import { describe, expect, it } from 'vitest';

import { ResponseHead } from '../../exchange/index.ts';
import { MemoryExchange } from '../../exchange/testing/memory-exchange.ts';
import { StagedBody } from '../../exchange/testing/staged-body.ts';
import { CHUNKED, Fields, type Framing } from '../../message/index.ts';
import { compressionFilter } from './compression.ts';
import type { CompressionConfig } from './compression-config.ts';
import { COMPRESSED_TYPES } from './content-types.ts';
import { ZSTD } from './zstd.ts';

const CONFIG: CompressionConfig = {
  levels: { gzip: 6, br: 4, zstd: 3 },
  mode: 'downstream',
  minLength: 1024,
  types: COMPRESSED_TYPES,
  decompression: false,
};

interface Given {
  readonly status?: number;
  readonly method?: string;
  /** Fields of the response besides Content-Type. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly type?: string | null;
  readonly request?: Readonly<Record<string, string>>;
  readonly framing?: Framing;
  readonly config?: Partial<CompressionConfig>;
}

/** What becomes of the head of a response to a client that accepts gzip. */
function filtered(given: Given): ResponseHead {
  const filter = compressionFilter({ ...CONFIG, ...given.config });
  const { method = 'GET', type = 'text/html' } = given;
  const exchange = new MemoryExchange({ method, fields: { 'Accept-Encoding': 'gzip', ...given.request } });
  const fields = Fields.of([
    ...(type === null ? [] : [['Content-Type', type] as const]),
    ...Object.entries(given.fields ?? {}),
  ]);
  const head = new ResponseHead(given.status ?? 200, 'OK', fields, given.framing ?? 5000, method === 'HEAD');
  if (filter.onUpstreamResponse === undefined) filter.onResponse?.(exchange, head);
  else expect(filter.onUpstreamResponse(exchange, head)).toBeNull();
  return head;
}

const lines = (head: ResponseHead): string[] =>
  [...head.fields.entries()].map(([name, value]) => `${name}: ${value}`).toSorted();

describe('a response that is compressed', () => {
  it('says so, has a weak tag, and neither length, ranges nor digests', () => {
    const fields = {
      'Content-Length': '5000',
      ETag: '"a"',
      'Last-Modified': 'Sat, 21 Nov 2026 10:00:00 GMT',
      'Accept-Ranges': 'bytes',
      'Content-Digest': 'sha-256=:x:',
      'Repr-Digest': 'sha-256=:x:',
      Digest: 'sha-256=x',
      'Content-MD5': 'x',
      Vary: 'Origin',
    };
    const head = filtered({ fields });
    expect(lines(head)).toEqual([
      'Content-Encoding: gzip',
      'Content-Type: text/html',
      'ETag: W/"a"',
      'Last-Modified: Sat, 21 Nov 2026 10:00:00 GMT',
      'Vary: Origin, Accept-Encoding',
    ]);
    expect(head.framing).toBe(CHUNKED);
    expect(head.stages).toHaveLength(1);
  });

  it('has the same fields when HEAD asked for it, and no stage', () => {
    const fields = { 'Content-Length': '5000', ETag: '"a"' };
    const [get, head] = [filtered({ fields }), filtered({ fields, method: 'HEAD', framing: 0 })];
    expect(lines(head)).toEqual(lines(get));
    expect(head.framing).toBe(CHUNKED);
    expect(head.stages).toBeNull();
  });

  it('is one of the upstream in mode upstream', () => {
    expect(compressionFilter({ ...CONFIG, mode: 'upstream' }).onResponse).toBeUndefined();
    expect(filtered({ config: { mode: 'upstream' } }).fields.get('content-encoding')).toBe('gzip');
  });

  it('comes after all other filters', () => {
    expect(compressionFilter(CONFIG).encodes).toBe(true);
    expect(compressionFilter({ ...CONFIG, mode: 'upstream' }).encodes).toBe(true);
  });

  it.each([
    [{ framing: 1024 }],
    [{ framing: CHUNKED }],
    [{ method: 'HEAD', framing: -2 }],
    [{ status: 404 }],
    [{ fields: { 'Content-Encoding': 'identity' } }],
    [{ fields: { 'Cache-Control': 'no-store, no-transformer' } }],
    [{ type: 'Text/HTML;charset=utf-8' }],
    [{ type: 'application/problem+json' }],
    [{ type: 'application/javascript' }],
    [{ type: 'application/wasm' }],
    [{ type: 'text/event-stream', framing: CHUNKED }],
    [{ framing: 1, config: { minLength: 0 } }],
    [{ type: 'image/png', config: { types: ['image/png'] } }],
  ] satisfies [Given][])('is one with %j', (given) => {
    expect(filtered(given).fields.get('content-encoding')).toBe('gzip');
  });
});

describe('a response that no client gets compressed', () => {
  it.each([
    [{ framing: 1023 }],
    [{ method: 'HEAD', framing: 0, fields: { 'Content-Length': '1023' } }],
    [{ framing: 0, config: { minLength: 0 } }],
    [{ status: 204 }],
    [{ status: 205 }],
    [{ status: 206, fields: { 'Content-Range': 'bytes 0-4999/9000' } }],
    [{ status: 206, type: 'multipart/byteranges; boundary=a' }],
    [{ status: 416, fields: { 'Content-Range': 'bytes */9000' } }],
    [{ fields: { 'Cache-Control': 'max-age=1, No-Transform' } }],
    [{ fields: { 'Content-Encoding': 'gzip' } }],
    [{ fields: { 'Content-Encoding': 'br, gzip' } }],
    [{ fields: { 'Content-Encoding': 'gzip' }, request: { 'Accept-Encoding': 'br' } }],
    [{ type: null }],
    [{ type: 'image/png' }],
    [{ type: 'font/woff2' }],
    [{ type: 'application/zip' }],
    [{ type: 'application/grpc' }],
    [{ type: 'application/grpc+json' }],
    [{ type: 'text/html', config: { types: ['text/css', '+json', 'image/*'] } }],
    [{ config: { levels: { gzip: 0, br: 0, zstd: 0 }, decompression: true } }],
  ] satisfies [Given][])('stays as it is, with %j', (given: Given) => {
    const head = filtered({ ...given, fields: { ETag: '"a"', ...given.fields } });
    expect([head.fields.get('vary'), head.fields.get('etag'), head.stages]).toEqual([null, '"a"', null]);
    expect(head.fields.get('content-encoding')).toBe(given.fields?.['Content-Encoding'] ?? null);
  });
});

describe('a client that gets it as it is', () => {
  it.each([
    [{ 'Accept-Encoding': '' }],
    [{ 'Accept-Encoding': 'deflate' }],
    [{ 'Accept-Encoding': 'gzip;q=0' }],
    [{ 'Accept-Encoding': 'identity, gzip;q=0.5' }],
    [{ 'Accept-Encoding': 'identity;q=0' }],
    [{ 'Cache-Control': 'no-transform' }],
  ])('with %j, hears that others may not', (request) => {
    const head = filtered({ request, fields: { ETag: '"a"' } });
    expect(lines(head)).toEqual(['Content-Type: text/html', 'ETag: "a"', 'Vary: Accept-Encoding']);
    expect([head.framing, head.stages]).toEqual([5000, null]);
  });
});

describe('the coding', () => {
  const best = ZSTD === null ? 'br' : 'zstd';
  it.each([
    ['gzip, deflate, br', 'br'],
    ['gzip, deflate, br, zstd', best],
    ['*', best],
    ['br;q=0.9, gzip', 'gzip'],
    ['br;q=0, zstd;q=0, *', 'gzip'],
    ['x-gzip', 'gzip'],
    ['identity;q=0, gzip;q=0.1', 'gzip'],
    ['zstd, gzip;q=0.5', ZSTD === null ? 'gzip' : 'zstd'],
  ])('is, for %j, %s', (acceptEncoding, coding) => {
    for (let again = 0; again < 2; again++) {
      const head = filtered({ request: { 'Accept-Encoding': acceptEncoding } });
      expect(head.fields.get('content-encoding')).toBe(coding);
    }
  });

  it('is one that has a level', () => {
    const config = { levels: { gzip: 1, br: 0, zstd: 0 } };
    const request = { 'Accept-Encoding': 'br, gzip;q=0.1' };
    expect(filtered({ request, config }).fields.get('content-encoding')).toBe('gzip');
  });

  it('is chosen for any number of values', () => {
    const filter = compressionFilter(CONFIG);
    for (let i = 0; i < 500; i++) {
      const exchange = new MemoryExchange({ fields: { 'Accept-Encoding': `gzip, x-${i}` } });
      const head = new ResponseHead(200, 'OK', Fields.of([['Content-Type', `text/x-${i}`]]), CHUNKED, false);
      filter.onResponse?.(exchange, head);
      expect(head.fields.get('content-encoding')).toBe('gzip');
    }
  });
});

describe('a 304', () => {
  it.each([
    ['"a"', 'W/"a"', 'W/"a"', 'Accept-Encoding'],
    ['"a"', '"b", W/"a"', 'W/"a"', 'Accept-Encoding'],
    // The client has what was not compressed.
    ['"a"', '"a"', '"a"', null],
    ['W/"a"', 'W/"a"', 'W/"a"', null],
    ['"a"', '*', '"a"', null],
  ])('with the tag %s, for a client that has %s, tells of %s', (etag, asked, told, vary) => {
    const head = filtered({ status: 304, type: null, fields: { ETag: etag }, request: { 'If-None-Match': asked } });
    expect([head.fields.get('etag'), head.fields.get('vary')]).toEqual([told, vary]);
    expect(head.stages).toBeNull();
  });

  it('without a tag stays as it is', () => {
    expect(lines(filtered({ status: 304, type: null, request: { 'If-None-Match': 'W/"a"' } }))).toEqual([]);
  });
});

describe('a response that came encoded', () => {
  const config = { decompression: true };
  const fields = { 'Content-Encoding': 'gzip', 'Content-Length': '5000', ETag: '"a"', 'Accept-Ranges': 'bytes' };

  it('is decoded for a client that does not decode it', async () => {
    const head = filtered({ config, fields, request: { 'Accept-Encoding': 'deflate' } });
    expect(lines(head)).toEqual(['Content-Type: text/html', 'ETag: W/"a"', 'Vary: Accept-Encoding']);
    expect(head.framing).toBe(CHUNKED);
    const body = new StagedBody(...(head.stages ?? []));
    expect(String(await body.send(zlib.gzipSync('hello'), [7]))).toBe('hello');
  });

  it('is decoded and encoded anew for a client that decodes something else', async () => {
    const head = filtered({ config, fields, request: { 'Accept-Encoding': 'br' } });
    expect(head.fields.get('content-encoding')).toBe('br');
    const body = new StagedBody(...(head.stages ?? []));
    expect(String(zlib.brotliDecompressSync(await body.send(zlib.gzipSync('hello'), [7])))).toBe('hello');
  });

  it('has the same fields when HEAD asked for it', () => {
    const request = { 'Accept-Encoding': '' };
    const head = filtered({ config, fields, request, method: 'HEAD', framing: 0 });
    expect(lines(head)).toEqual(lines(filtered({ config, fields, request })));
    expect(head.stages).toBeNull();
  });

  it('is decoded whatever its type', () => {
    const request = { 'Accept-Encoding': '' };
    expect(filtered({ config, fields, request, type: 'image/png' }).fields.has('content-encoding')).toBe(false);
  });

  it('stays as it is for a client that decodes it, which hears that others may not', () => {
    const head = filtered({ config, fields });
    expect([head.fields.get('content-encoding'), head.fields.get('vary')]).toEqual(['gzip', 'Accept-Encoding']);
    expect(head.stages).toBeNull();
  });

  it.each([
    [{ fields: { 'Content-Encoding': 'compress' } }],
    [{ fields: { 'Content-Encoding': 'gzip, br' } }],
    [{ fields: { 'Content-Encoding': 'gzip', 'Cache-Control': 'no-transform' } }],
    [{ status: 206, fields: { 'Content-Encoding': 'gzip', 'Content-Range': 'bytes 0-4/9' } }],
    [{ framing: 0, fields: { 'Content-Encoding': 'gzip' } }],
  ])('stays as it is with %j', (given) => {
    const head = filtered({ config, request: { 'Accept-Encoding': '' }, ...given });
    expect([head.fields.get('content-encoding'), head.fields.get('vary'), head.stages]).toEqual([
      given.fields['Content-Encoding'],
      null,
      null,
    ]);
  });
});
