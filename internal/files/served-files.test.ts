import { appendFileSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync } from 'node:fs';

import { afterAll, describe, expect, it, vi } from 'vitest';

import { ProxyError } from '../base/index.ts';
import { FlushResult } from '../exchange/index.ts';
import { MemoryExchange } from '../exchange/testing/memory-exchange.ts';
import { ServedFolder } from './testing/served-folder.ts';
import { WatchedFiles } from './testing/watched-files.ts';
import { answerWithFile } from './file-answer.ts';
import { FileTree, SingleFile } from './file-source.ts';

const folder = new ServedFolder();
const tree = new FileTree(folder.root, []);
const GONE = new ProxyError('client_closed', 'gone');

afterAll(() => folder.remove());

describe('a file in memory', () => {
  it('is sent without a look at the disk for half of max_age, counted from when the look began', async () => {
    folder.write({ 'www/plain.png': 'one' });
    const watched = new WatchedFiles(tree);
    expect(await watched.look('/plain.png')).toEqual([200, 'one', ['plain.png', 'plain.png']]);
    watched.time = 499;
    expect(await watched.look('/plain.png')).toEqual([200, 'one', []]);
    expect(await watched.look('/plain.png', { method: 'HEAD' })).toEqual([200, '', []]);
    expect(await watched.look('/plain.png', { fields: { Range: 'bytes=1-1' } })).toEqual([206, 'n', []]);
    expect(await watched.look('/plain.png', { fields: { 'If-None-Match': '*' } })).toEqual([304, '', []]);
    watched.time = 1000;
    expect((await watched.look('/plain.png'))[2]).not.toEqual([]);
  });

  it('is answered at once, with head and body in one go', async () => {
    folder.write({ 'www/sync.png': 'one' });
    const watched = new WatchedFiles(tree);
    await watched.get('/sync.png');
    const exchange = new MemoryExchange({ path: '/sync.png' });
    expect(answerWithFile(exchange, watched.files)).toBeNull();
    expect(exchange.events).toEqual(['respond 200', 'write 3', 'end']);
  });

  it('is one file by whatever path it is asked for', async () => {
    folder.write({ 'www/sub/index.html': 'sub' });
    const watched = new WatchedFiles(tree);
    await watched.get('/sub/');
    for (const path of ['/sub/index.html', '/sub/', '/sub/index%2Ehtml']) {
      expect(await watched.look(path)).toEqual([200, 'sub', []]);
    }
    expect(watched.files.cache.count).toBe(1);
  });

  it('is looked at once for all that wait for it', async () => {
    folder.write({ 'www/many.png': 'one' });
    const watched = new WatchedFiles(tree);
    const all = await Promise.all(Array.from({ length: 20 }, () => watched.get('/many.png')));
    expect(all.map(({ body }) => body.toString())).toEqual(Array.from({ length: 20 }, () => 'one'));
    expect(watched.opened).toEqual(['many.png', 'many.png']);
  });

  it('fails for all that wait for it, and is tried again by the next', async () => {
    const watched = new WatchedFiles(tree);
    const all = await Promise.all([1, 2, 3].map(() => watched.get('/late.png')));
    expect(all.map(({ events }) => events)).toEqual(Array.from({ length: 3 }, () => ['fail not_found']));
    expect(watched.opened).toEqual(['late.png']);
    folder.write({ 'www/late.png': 'there' });
    expect((await watched.look('/late.png')).slice(0, 2)).toEqual([200, 'there']);
  });

  it('may be the one file of a route, whatever the path', async () => {
    folder.write({ 'app.html': 'app' });
    const watched = new WatchedFiles(new SingleFile(folder.path('app.html')));
    await watched.get('/a');
    expect(await watched.look('/b/..')).toEqual([200, 'app', []]);
  });

  it('has its siblings beside it', async () => {
    folder.write({ 'www/a.css': 'plain', 'www/a.css.br': 'brotli', 'www/a.css.gz': 'gzip!' });
    const watched = new WatchedFiles(tree);
    const codings: readonly [string, string][] = [
      ['br', 'brotli'],
      ['gzip', 'gzip!'],
      ['identity', 'plain'],
    ];
    for (const [coding, body] of codings) {
      const fields = { 'Accept-Encoding': coding };
      expect((await watched.look('/a.css', { fields })).slice(0, 2)).toEqual([200, body]);
      expect(await watched.look('/a.css', { fields })).toEqual([200, body, []]);
    }
    unlinkSync(folder.path('www/a.css.br'));
    watched.time = 1000;
    const gzip = await watched.get('/a.css', { fields: { 'Accept-Encoding': 'br, gzip' } });
    expect([gzip.body.toString(), gzip.field('Content-Encoding')]).toEqual(['gzip!', 'gzip']);
    rmSync(folder.path('www/a.css.gz'));
    watched.time = 2000;
    const plain = await watched.get('/a.css', { fields: { 'Accept-Encoding': 'br, gzip' } });
    expect([plain.body.toString(), plain.field('Content-Encoding'), plain.field('Vary')]).toEqual([
      'plain',
      null,
      null,
    ]);
  });
});

describe('a file that changes', () => {
  const CHANGES: readonly [how: string, change: (path: string) => void, status: number, body: string][] = [
    ['written over', (path) => folder.write({ [path]: 'two' }), 200, 'two'],
    ['made longer', (path) => appendFileSync(folder.path(path), ' more'), 200, 'one more'],
    ['truncated', (path) => truncateSync(folder.path(path), 1), 200, 'o'],
    ['emptied', (path) => truncateSync(folder.path(path), 0), 200, ''],
    ['deleted', (path) => unlinkSync(folder.path(path)), 404, ''],
    [
      'replaced by a rename',
      (path) => {
        folder.write({ [`${path}.new`]: 'new' });
        renameSync(folder.path(`${path}.new`), folder.path(path));
      },
      200,
      'new',
    ],
    [
      'replaced by a link that leads out',
      (path) => {
        folder.write({ 'secret.txt': 'SECRET' });
        unlinkSync(folder.path(path));
        symlinkSync('../secret.txt', folder.path(path));
      },
      404,
      '',
    ],
    [
      'moved out, and linked to from its old place',
      (path) => {
        renameSync(folder.path(path), folder.path('moved.png'));
        symlinkSync('../moved.png', folder.path(path));
      },
      404,
      '',
    ],
  ];

  it.each(CHANGES)('%s is seen after max_age', async (how, change, status, body) => {
    const name = `${how.replaceAll(' ', '-')}.png`;
    folder.write({ [`www/${name}`]: 'one' });
    const watched = new WatchedFiles(tree);
    expect((await watched.look(`/${name}`)).slice(0, 2)).toEqual([200, 'one']);
    change(`www/${name}`);
    watched.time = 999;
    expect(watched.now(`/${name}`)).toBe('one');
    watched.time = 1000;
    expect((await watched.look(`/${name}`)).slice(0, 2)).toEqual([status, body]);
  });

  it('by nothing but its folder, which now lies outside of root, is not sent any more', async () => {
    folder.write({ 'www/inner/x.png': 'one' });
    const watched = new WatchedFiles(tree);
    await watched.get('/inner/x.png');
    renameSync(folder.path('www/inner'), folder.path('outer'));
    symlinkSync('../outer', folder.path('www/inner'));
    watched.time = 1000;
    expect((await watched.look('/inner/x.png'))[0]).toBe(404);
  });

  it('without a trace in its times is read again, as long as its last change is recent', async () => {
    folder.write({ 'www/traceless.png': 'one' });
    const watched = new WatchedFiles(tree);
    await watched.get('/traceless.png');
    watched.time = 1000;
    expect(await watched.look('/traceless.png')).toEqual([200, 'one', ['traceless.png', 'traceless.png']]);
  });

  it('while it is read is not kept', async () => {
    folder.write({ 'www/growing.png': 'one' });
    const watched = new WatchedFiles(tree);
    let opens = 0;
    watched.onOpen = () => {
      if (++opens === 2) appendFileSync(folder.path('www/growing.png'), ' more');
    };
    expect((await watched.look('/growing.png')).slice(0, 2)).toEqual([200, 'one more']);
    expect(watched.files.cache.used).toBe(0);
  });

  it('to a folder is redirected to', async () => {
    folder.write({ 'www/thing': 'file' });
    const watched = new WatchedFiles(tree);
    await watched.get('/thing');
    unlinkSync(folder.path('www/thing'));
    folder.write({ 'www/thing/index.html': 'folder' });
    watched.time = 1000;
    expect((await watched.look('/thing'))[0]).toBe(308);
  });
});

describe('a file that does not change', () => {
  it('is looked at, but not read again', async () => {
    folder.write({ 'www/old.png': 'one' });
    const watched = new WatchedFiles(tree);
    // No program can set the change time of an inode, so a test must simulate it.
    watched.onOpen = (_, opened) => {
      Object.assign(opened.state, { ctimeNs: 1n });
      opened.look = () => Promise.resolve(opened.state);
    };
    expect(await watched.look('/old.png')).toEqual([200, 'one', ['old.png', 'old.png']]);
    watched.time = 1000;
    expect(await watched.look('/old.png')).toEqual([200, 'one', ['old.png']]);
    watched.time = 1499;
    expect(await watched.look('/old.png')).toEqual([200, 'one', []]);
  });
});

describe('what memory has no room for', () => {
  const limits = { size: 2 ** 18, maxFileSize: 2 ** 16, maxAge: 1000 };

  it('is read from the disk each time, but not looked at: a file above max_file_size', async () => {
    const large = 'x'.repeat(2 ** 16 + 1);
    folder.write({ 'www/above.png': large });
    const watched = new WatchedFiles(tree, limits);
    expect(await watched.look('/above.png')).toEqual([200, large, ['above.png', 'above.png']]);
    expect(await watched.look('/above.png')).toEqual([200, large, ['above.png']]);
    expect(await watched.look('/above.png', { method: 'HEAD' })).toEqual([200, '', []]);
    expect(await watched.look('/above.png', { fields: { 'If-None-Match': '*' } })).toEqual([304, '', []]);
    expect(watched.files.cache.used).toBeLessThan(10_000);
  });

  it('is read from the disk: more files than fit', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `fit-${i}.png`);
    for (const name of names) folder.write({ [`www/${name}`]: name.padEnd(2 ** 16) });
    const watched = new WatchedFiles(tree, limits);
    for (const name of [...names, ...names]) {
      expect((await watched.get(`/${name}`)).body.toString().trim()).toBe(name);
      expect(watched.files.cache.used).toBeLessThanOrEqual(limits.size);
    }
    expect(watched.files.cache.used).toBeGreaterThan(limits.size / 2);
  });
});

describe('a large answer from memory', () => {
  const SIZE = 300_000;
  const content = Buffer.from(Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
  folder.write({ 'www/large.png': content });

  async function filled(): Promise<WatchedFiles> {
    const watched = new WatchedFiles(tree);
    await watched.get('/large.png');
    return watched;
  }

  it('goes at once to a client that takes it', async () => {
    const watched = await filled();
    const exchange = await watched.get('/large.png');
    expect(exchange.events).toEqual(['respond 200', `write ${SIZE}`, 'flush', 'end']);
    expect(exchange.body.equals(content)).toBe(true);
  });

  it.each(['TLS', 'a speed limit'])('goes piece by piece where what waits is copied: %s', async (why) => {
    const watched = await filled();
    const unlimited = { download: null, upload: null };
    const route = why === 'TLS' ? {} : { speed: { forConnection: () => unlimited } };
    const exchange = new MemoryExchange({ path: '/large.png', onFlush: () => FlushResult.full, route });
    if (why === 'TLS') Object.defineProperty(exchange, 'secure', { value: true });
    const over = answerWithFile(exchange, watched.files);
    for (let piece = 1; piece <= 5; piece++) {
      expect(exchange.events.filter((event) => event.startsWith('write'))).toHaveLength(piece);
      expect(exchange.waiting).toBe(true);
      exchange.drain();
    }
    await over;
    expect(exchange.events.at(-1)).toBe('end');
    expect(exchange.body.equals(content)).toBe(true);
    expect(exchange.violations).toEqual([]);
  });

  it('in several ranges has its parts in order, for a client of changing moods', async () => {
    const watched = await filled();
    const fields = { Range: 'bytes=200000-299999,0-99999' };
    const exchange = new MemoryExchange({ path: '/large.png', fields, onFlush: (count) => (count % 3) as FlushResult });
    const over = answerWithFile(exchange, watched.files);
    while (exchange.waiting) exchange.drain();
    await over;
    expect(exchange.violations).toEqual([]);
    const [, first, second] = exchange.body.toString('latin1').split(/--[0-9a-f]{36}(?:--)?\r\n/);
    const bodyOf = (part: string): Buffer => Buffer.from(part.slice(part.indexOf('\r\n\r\n') + 4, -2), 'latin1');
    expect(bodyOf(first).equals(content.subarray(200_000))).toBe(true);
    expect(bodyOf(second).equals(content.subarray(0, 100_000))).toBe(true);
  });

  it.each(['bytes=0-9999', 'bytes=0-9999,100000-109999', 'bytes=0-65535'])(
    'lends no more than is sent, if it is not counted any more: %s',
    async (range) => {
      const watched = await filled();
      const exchange = new MemoryExchange({
        path: '/large.png',
        fields: { Range: range },
        onFlush: () => FlushResult.pending,
      });
      const write = vi.spyOn(exchange, 'write');
      await answerWithFile(exchange, watched.files);
      const lent = write.mock.calls.map(([buffer]) => buffer.buffer.byteLength);
      expect(lent.length).toBeGreaterThan(0);
      if (range === 'bytes=0-65535') expect(exchange.events).toEqual(['respond 206', 'write 65536', 'flush', 'end']);
      else expect(Math.max(...lent)).toBeLessThan(65_536);
    },
  );

  it.each(['takes all in the end', 'goes away'])('counts as used until a client that waits %s', async (how) => {
    const watched = await filled();
    const { cache } = watched.files;
    const exchange = new MemoryExchange({ path: '/large.png', onFlush: () => FlushResult.full });
    const over = answerWithFile(exchange, watched.files);
    cache.drop(cache.known('large.png') ?? expect.fail('it was there'));
    expect(cache.used).toBeGreaterThan(SIZE);
    if (how === 'goes away') exchange.abort(GONE);
    else exchange.drain();
    await over;
    expect(cache.used).toBe(0);
    expect(exchange.violations).toEqual([]);
    expect(exchange.events.at(-1)).toBe(how === 'goes away' ? 'abort' : 'end');
  });
});
