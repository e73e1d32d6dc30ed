import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { FileTree } from './file-source.ts';
import { answerWithFile } from './file-answer.ts';
import { ServedFiles } from './served-files.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';
import { LASTING_CACHE, NO_CACHE } from './testing/serve-cache.ts';
import { ServedFolder } from './testing/served-folder.ts';

const folder = new ServedFolder();
const source = new FileTree(folder.root, []);
const uncached = new ServedFiles(source, NO_CACHE);
const cached = new ServedFiles(source, LASTING_CACHE);
const TEXT = 'abcdefghijklmnopqrstuvwxyz';
let etag = '';
let lastModified = '';

async function get(
  fields: Readonly<Record<string, string>>,
  method = 'GET',
  path = '/plain.txt',
): Promise<MemoryExchange> {
  const exchange = await getFrom(uncached, fields, method, path);
  for (let time = 0; time < 2; time++) {
    const other = await getFrom(cached, fields, method, path);
    expect(summaryOf(other)).toEqual(summaryOf(exchange));
  }
  return exchange;
}

async function getFrom(
  files: ServedFiles,
  fields: Readonly<Record<string, string>>,
  method: string,
  path: string,
): Promise<MemoryExchange> {
  const exchange = new MemoryExchange({ method, path, fields });
  await answerWithFile(exchange, files);
  expect(exchange.violations).toEqual([]);
  return exchange;
}

/** All that a client sees, but for boundaries. */
function summaryOf({ status, events, responseFields, body, framing }: MemoryExchange): string {
  const sent = [status, ...events.filter((event) => !/^write|^flush/.test(event)), framing, body.toString('latin1')];
  return JSON.stringify([sent, ...responseFields.entries()]).replace(/[0-9a-f]{36}/g, 'boundary');
}

beforeAll(async () => {
  folder.write({ 'www/plain.txt': TEXT, 'www/empty.txt': '' });
  const exchange = await get({});
  etag = exchange.field('ETag') ?? '';
  lastModified = exchange.field('Last-Modified') ?? '';
});

afterAll(() => folder.remove());

describe('serve: conditions', () => {
  it('says that nothing changed, with what guides caches alone', async () => {
    const exchange = await get({ 'If-None-Match': etag });
    expect(exchange.events).toEqual(['respond 304', 'end']);
    expect([...exchange.responseFields.entries()]).toEqual([['ETag', etag]]);
  });

  it('compares dates', async () => {
    expect((await get({ 'If-Modified-Since': lastModified })).status).toBe(304);
    expect((await get({ 'If-Modified-Since': 'Thu, 01 Jan 1998 00:00:00 GMT' })).status).toBe(200);
    expect((await get({ 'If-Unmodified-Since': 'Thu, 01 Jan 1998 00:00:00 GMT' })).status).toBe(412);
  });

  it('refuses with 412 and no body when the file is another one', async () => {
    const exchange = await get({ 'If-Match': '"other"' });
    expect(exchange.events).toEqual(['respond 412', 'end']);
    expect(exchange.framing).toBe(0);
  });

  it('answers HEAD alike', async () => {
    expect((await get({ 'If-None-Match': '*' }, 'HEAD')).status).toBe(304);
    expect((await get({ 'If-Match': '"other"' }, 'HEAD')).status).toBe(412);
  });

  it('looks at conditions before the range', async () => {
    expect((await get({ 'If-None-Match': etag, Range: 'bytes=0-1' })).status).toBe(304);
    expect((await get({ 'If-Match': '"other"', Range: 'bytes=99-' })).status).toBe(412);
  });
});

describe('serve: ranges', () => {
  const SINGLE: readonly [range: string, body: string, contentRange: string][] = [
    ['bytes=0-0', 'a', 'bytes 0-0/26'],
    ['bytes=23-', 'xyz', 'bytes 23-25/26'],
    ['bytes=-2', 'yz', 'bytes 24-25/26'],
    ['bytes=20-999', 'uvwxyz', 'bytes 20-25/26'],
    ['bytes=99-,0-1', 'ab', 'bytes 0-1/26'],
    ['bytes=0-3,2-5', 'abcdef', 'bytes 0-5/26'],
  ];

  it.each(SINGLE)('%s', async (range, body, contentRange) => {
    const exchange = await get({ Range: range });
    expect([exchange.status, exchange.body.toString(), exchange.field('Content-Range')]).toEqual([
      206,
      body,
      contentRange,
    ]);
    expect(exchange.field('Content-Type')).toBe('text/plain; charset=utf-8');
    expect([exchange.field('ETag'), exchange.field('Accept-Ranges')]).toEqual([etag, 'bytes']);
    expect(exchange.framing).toBe(body.length);
  });

  it('sends several as parts, in the order asked for', async () => {
    const exchange = await get({ Range: 'bytes=-1,0-2' });
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{36})$/.exec(exchange.field('Content-Type') ?? '')?.[1];
    expect(exchange.status).toBe(206);
    expect(exchange.field('Content-Range')).toBeNull();
    expect(exchange.body.toString()).toBe(
      [
        `--${boundary}`,
        'Content-Type: text/plain; charset=utf-8',
        'Content-Range: bytes 25-25/26',
        '',
        'z',
        `--${boundary}`,
        'Content-Type: text/plain; charset=utf-8',
        'Content-Range: bytes 0-2/26',
        '',
        'abc',
        `--${boundary}--`,
        '',
      ].join('\r\n'),
    );
    expect(exchange.framing).toBe(exchange.body.length);
  });

  it('has a boundary that cannot be predicted', async () => {
    const types = await Promise.all(
      [0, 1].map(async () => (await get({ Range: 'bytes=0-1,4-5' })).field('Content-Type')),
    );
    expect(types[0]).not.toBe(types[1]);
  });

  it('says how long the file is when no range fits', async () => {
    const exchange = await get({ Range: 'bytes=26-' });
    expect(exchange.events).toEqual(['respond 416', 'end']);
    expect(exchange.field('Content-Range')).toBe('bytes */26');
  });

  it.each(['bytes=x', 'lines=1-2', `bytes=${'0-0,'.repeat(100)}`])('ignores %s', async (range) => {
    const exchange = await get({ Range: range });
    expect([exchange.status, exchange.body.toString()]).toEqual([200, TEXT]);
  });

  it('are for GET alone', async () => {
    const exchange = await get({ Range: 'bytes=0-1' }, 'HEAD');
    expect([exchange.status, exchange.framing, exchange.field('Content-Range')]).toEqual([200, 26, null]);
  });

  it('of an empty file are not there', async () => {
    expect((await get({ Range: 'bytes=0-' }, 'GET', '/empty.txt')).field('Content-Range')).toBe('bytes */0');
    expect((await get({ Range: 'bytes=-1' }, 'GET', '/empty.txt')).status).toBe(200);
  });

  it('follow If-Range', async () => {
    expect((await get({ Range: 'bytes=0-1', 'If-Range': etag })).status).toBe(206);
    expect((await get({ Range: 'bytes=0-1', 'If-Range': `W/${etag}` })).status).toBe(200);
    expect((await get({ Range: 'bytes=0-1', 'If-Range': '"other"' })).status).toBe(200);
    expect((await get({ Range: 'bytes=99-', 'If-Range': '"other"' })).status).toBe(200);
    expect((await get({ Range: 'bytes=0-1', 'If-Range': 'Thu, 01 Jan 1998 00:00:00 GMT' })).status).toBe(200);
  });
});
