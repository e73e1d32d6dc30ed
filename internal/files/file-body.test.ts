import { appendFileSync, openSync, readdirSync, truncateSync } from 'node:fs';

import { afterAll, describe, expect, it, vi } from 'vitest';

import { ProxyError } from '../base/index.ts';
import { FlushResult } from '../exchange/index.ts';
import { READ_SIZE } from './file-body.ts';
import { answerWithFile } from './file-answer.ts';
import { type FileSource, FileTree } from './file-source.ts';
import { openFile, OpenFile } from './open-file.ts';
import { MemoryExchange, type MemoryRequest } from '../exchange/testing/memory-exchange.ts';
import { NO_CACHE } from './testing/serve-cache.ts';
import { ServedFolder } from './testing/served-folder.ts';
import { ServedFiles } from './served-files.ts';

const folder = new ServedFolder();
const source = new FileTree(folder.root, []);
const SIZE = READ_SIZE * 5 + 17;
/** Different in every 64 KiB, so that bytes of a wrong place are seen. */
const CONTENT = Buffer.from(
  Uint32Array.from({ length: Math.ceil(SIZE / 4) }, (_, i) => i * 2_654_435_761).buffer,
).subarray(0, SIZE);
const GONE = new ProxyError('client_closed', 'gone');

folder.write({
  'www/large.png': CONTENT,
  'www/exact.png': CONTENT.subarray(0, READ_SIZE),
  'www/small.png': CONTENT.subarray(0, 100),
});

afterAll(() => folder.remove());

function start(request: MemoryRequest, from: FileSource = source): { exchange: MemoryExchange; over: Promise<void> } {
  const exchange = new MemoryExchange(request);
  return { exchange, over: answerFrom(exchange, from) };
}

async function answerFrom(exchange: MemoryExchange, from: FileSource): Promise<void> {
  await answerWithFile(exchange, new ServedFiles(from, NO_CACHE));
}

/** The files of `source`, opened in another way. */
function sourceThatOpens(open: () => Promise<OpenFile>): FileSource {
  return { nameOf: (path) => source.nameOf(path), pathOf: (name) => source.pathOf(name), open };
}

async function openAndClose(path: string): Promise<OpenFile> {
  const opened = await openFile(path);
  await opened.close();
  return opened;
}

/** Makes room for a client that waits, until it has everything. */
async function takeTheRest(exchange: MemoryExchange): Promise<void> {
  while (!exchange.events.includes('end')) {
    await exchange.blocked();
    if (exchange.waiting) exchange.drain();
  }
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('sending a file', () => {
  it.each([
    ['/small.png', 100],
    ['/exact.png', READ_SIZE],
  ])('%s in one go', async (path, size) => {
    const { exchange, over } = start({ path });
    await over;
    expect(exchange.events).toEqual(['respond 200', `write ${size}`, 'end']);
    expect(exchange.body.equals(CONTENT.subarray(0, size))).toBe(true);
  });

  it('reads more at once for a client that takes all, and ends with the last', async () => {
    const { exchange, over } = start({ path: '/large.png' });
    await over;
    const pieces = [READ_SIZE, READ_SIZE * 4].flatMap((bytes) => [`write ${bytes}`, 'flush']);
    expect(exchange.events).toEqual(['respond 200', ...pieces, 'write 17', 'end']);
    expect(exchange.body.equals(CONTENT)).toBe(true);
  });

  it('reads little at once for one that does not', async () => {
    const { exchange, over } = start({ path: '/large.png', onFlush: () => FlushResult.pending });
    await over;
    const full = Array.from({ length: 5 }, () => [`write ${READ_SIZE}`, 'flush']).flat();
    expect(exchange.events).toEqual(['respond 200', ...full, 'write 17', 'end']);
  });

  it.each([
    ['taken', 2],
    ['pending', 6],
  ] as const)('uses %s bytes again as it may', async (result, buffers) => {
    const seen = new Set<Buffer>();
    const exchange = new MemoryExchange({ path: '/large.png', onFlush: () => FlushResult[result] });
    const { write } = exchange;
    exchange.write = (buffer, from, to) => {
      seen.add(buffer);
      write.call(exchange, buffer, from, to);
    };
    await answerFrom(exchange, source);
    expect(exchange.violations).toEqual([]);
    expect(exchange.body.equals(CONTENT)).toBe(true);
    expect(seen.size).toBe(buffers);
  });

  it.each(['ends', 'aborts'])('has the shared buffers back when the last of many clients %s', async (how) => {
    // The first piece is taken at once, the second is not.
    const onFlush = (count: number): FlushResult => (count === 0 ? FlushResult.taken : FlushResult.full);
    for (let round = 0; round < 3; round++) {
      const started = Array.from({ length: 40 }, () => start({ path: '/large.png', onFlush }));
      await Promise.all(started.map(({ exchange }) => exchange.blocked()));
      const wide = started.filter(({ exchange }) => exchange.events.includes(`write ${READ_SIZE * 4}`));
      expect(wide).toHaveLength(16);
      for (const { exchange, over } of started) {
        if (how === 'aborts') exchange.abort(GONE);
        else await takeTheRest(exchange);
        await over;
        expect(exchange.violations).toEqual([]);
        if (how === 'ends') expect(exchange.body.equals(CONTENT)).toBe(true);
      }
    }
  });

  it('reads nothing while the client takes nothing', async () => {
    const { exchange, over } = start({ path: '/large.png', onFlush: () => FlushResult.full });
    for (let piece = 1; piece <= 5; piece++) {
      await exchange.blocked();
      expect(exchange.events.filter((event) => event.startsWith('write'))).toHaveLength(piece);
      exchange.drain();
    }
    await over;
    expect(exchange.violations).toEqual([]);
    expect(exchange.events.at(-1)).toBe('end');
    expect(exchange.body.equals(CONTENT)).toBe(true);
  });

  it('copes with a client whose mood changes', async () => {
    const { exchange, over } = start({ path: '/large.png', onFlush: (count) => ([2, 0, 1, 2, 1] as const)[count % 5] });
    await takeTheRest(exchange);
    await over;
    expect(exchange.violations).toEqual([]);
    expect(exchange.body.equals(CONTENT)).toBe(true);
  });

  it('sends large parts of several ranges', async () => {
    const half = READ_SIZE * 2;
    const range = `bytes=${half + 1}-,0-${half - 1}`;
    const { exchange, over } = start({
      path: '/large.png',
      fields: { Range: range },
      onFlush: () => FlushResult.pending,
    });
    await over;
    expect(exchange.violations).toEqual([]);
    const [, first, second] = exchange.body.toString('latin1').split(/--[0-9a-f]{36}(?:--)?\r\n/);
    const bodyOf = (part: string): Buffer => Buffer.from(part.slice(part.indexOf('\r\n\r\n') + 4, -2), 'latin1');
    expect(bodyOf(first).equals(CONTENT.subarray(half + 1))).toBe(true);
    expect(bodyOf(second).equals(CONTENT.subarray(0, half))).toBe(true);
  });
});

describe('a file that changes while it is sent', () => {
  it('cuts the response when it becomes shorter', async () => {
    folder.write({ 'www/shrinking.png': CONTENT });
    const { exchange, over } = start({ path: '/shrinking.png', onFlush: () => FlushResult.full });
    await exchange.blocked();
    truncateSync(folder.path('www/shrinking.png'), READ_SIZE + 5);
    exchange.drain();
    await over;
    expect(exchange.events.at(-1)).toBe('fail file_error');
    expect(exchange.responded).toBe(true);
  });

  it('sends no more than was promised when it becomes longer', async () => {
    folder.write({ 'www/growing.png': CONTENT });
    const { exchange, over } = start({
      path: '/growing.png',
      onFlush: (count) => (count === 0 ? FlushResult.full : FlushResult.taken),
    });
    await exchange.blocked();
    appendFileSync(folder.path('www/growing.png'), 'more');
    exchange.drain();
    await over;
    expect(exchange.body.equals(CONTENT)).toBe(true);
  });

  it('is answered with an error when nothing was sent yet', async () => {
    const emptied = sourceThatOpens(async () => {
      folder.write({ 'www/emptied.png': 'abc' });
      const opened = await source.open('emptied.png');
      truncateSync(folder.path('www/emptied.png'), 0);
      return opened;
    });
    const { exchange, over } = start({ path: '/emptied.png' }, emptied);
    await over;
    expect(exchange.events).toEqual(['fail file_error']);
    expect(exchange.status).toBe(500);
  });
});

describe('errors', () => {
  it('of reading are answered with 500', async () => {
    // A descriptor that cannot be read from.
    const broken = sourceThatOpens(async () => {
      const { state } = await openAndClose(folder.path('www/small.png'));
      return new OpenFile(openSync(folder.path('written.png'), 'w'), 'file', state);
    });
    const { exchange, over } = start({ path: '/small.png' }, broken);
    await over;
    expect(exchange.events).toEqual(['fail file_error']);
    expect(exchange.error?.cause).toMatchObject({ code: 'EBADF' });
  });

  it('of the exchange cost that exchange alone', async () => {
    const exchange = new MemoryExchange({ path: '/small.png' });
    exchange.respond = () => {
      throw new TypeError('a filter failed');
    };
    await answerFrom(exchange, source);
    expect(exchange.events).toEqual(['fail internal']);
    expect(exchange.error?.cause).toBeInstanceOf(TypeError);
  });
});

describe('a client that goes away', () => {
  it('gets nothing more, at whatever step it went', async () => {
    for (let steps = 0; steps < 12; steps++) {
      const { exchange, over } = start({ path: '/large.png', onFlush: () => FlushResult.full });
      for (let step = 0; step < steps; step++) await new Promise((resolve) => setImmediate(resolve));
      exchange.abort(GONE);
      const { length } = exchange.events;
      await over;
      expect(exchange.events).toHaveLength(length);
      expect(exchange.violations).toEqual([]);
    }
  });

  it('is not redirected', async () => {
    folder.write({ 'www/folder/x': '' });
    const { exchange, over } = start({ path: '/folder' });
    exchange.abort(GONE);
    await over;
    expect(exchange.events).toEqual(['abort']);
  });

  it('leaves no file open', async () => {
    const before = openDescriptors();
    const started = Array.from({ length: 200 }, () => start({ path: '/large.png', onFlush: () => FlushResult.full }));
    await Promise.all(started.map(({ exchange }) => exchange.blocked()));
    expect(openDescriptors()).toBe(before + 200);
    for (const { exchange } of started) exchange.abort(GONE);
    await Promise.all(started.map(({ over }) => over));
    await vi.waitFor(() => expect(openDescriptors()).toBe(before));
  });
});

describe('file descriptors', () => {
  const REQUESTS: readonly MemoryRequest[] = [
    { path: '/small.png' },
    { path: '/small.png', method: 'HEAD' },
    { path: '/large.png' },
    { path: '/large.png', fields: { Range: 'bytes=0-1,5-6' } },
    { path: '/large.png', fields: { Range: 'bytes=99999999-' } },
    { path: '/large.png', fields: { 'If-None-Match': '*' } },
    { path: '/large.png', fields: { 'If-Match': '"x"' } },
    { path: '/missing.png' },
    { path: '/folder2' },
    { path: '/folder2/' },
    { path: '/out' },
    { path: '/no-index/' },
    { path: '/style.css', fields: { 'Accept-Encoding': 'br' } },
    { path: '/style.css', fields: { 'Accept-Encoding': 'gzip' } },
  ];

  it('are all closed, whatever the answer was', async () => {
    folder.write({
      'www/folder2/x': '',
      'www/no-index/index.html/x': '',
      'www/style.css': 'a',
      'www/style.css.br': 'b',
      'outside.txt': '',
    });
    folder.link('www/out', '../outside.txt').link('www/style.css.gz', '../outside.txt');
    const before = openDescriptors();
    const statuses = await Promise.all(
      REQUESTS.map(async (request) => {
        const { exchange, over } = start(request);
        await over;
        return exchange.status;
      }),
    );
    expect(statuses).toEqual([200, 200, 200, 206, 416, 304, 412, 404, 308, 404, 404, 404, 200, 200]);
    await vi.waitFor(() => expect(openDescriptors()).toBe(before));
  });
});
