import { unlinkSync } from 'node:fs';

import { afterAll, describe, expect, it, vi } from 'vitest';

import { ServedFolder } from './testing/served-folder.ts';
import { WatchedFiles } from './testing/watched-files.ts';
import { ENTRY_BYTES, REPRESENTATION_BYTES } from './file-cache.ts';
import { FileTree } from './file-source.ts';

const folder = new ServedFolder();

afterAll(() => folder.remove());

/** A file in memory, at the time 0. */
async function inMemory(name: string, content = 'one'): Promise<WatchedFiles> {
  folder.write({ [`www/${name}`]: content });
  const watched = new WatchedFiles(new FileTree(folder.root, []));
  await watched.get(`/${name}`);
  watched.opened = [];
  return watched;
}

interface Disk {
  answer(): void;
  fail(error: Error): void;
}

/** From now on the disk hangs, until it is told to answer. */
function hang(watched: WatchedFiles): Disk {
  const disk: Disk = { answer: () => {}, fail: () => {} };
  watched.disk = new Promise<void>((resolve, reject) => {
    disk.answer = () => (resolve(), void (watched.disk = null));
    disk.fail = (error) => (reject(error), void (watched.disk = null));
  });
  return disk;
}

describe('a file that is asked for all the time', () => {
  it('is looked at once from half of max_age on, while requests are answered without waiting', async () => {
    const watched = await inMemory('a.png');
    const disk = hang(watched);
    watched.time = 499;
    expect([watched.now('/a.png'), watched.opened]).toEqual(['one', []]);
    for (const time of [500, 700, 999]) {
      watched.time = time;
      expect([watched.now('/a.png'), watched.opened]).toEqual(['one', ['a.png']]);
    }
    disk.answer();
    await vi.waitFor(() => expect(watched.files.cache.known('a.png')?.checkedAt).toBe(500));
    watched.time = 1499;
    expect(watched.now('/a.png')).toBe('one');
  });

  it('never has to wait, not even when it has changed', async () => {
    const watched = await inMemory('b.png');
    folder.write({ 'www/b.png': 'two' });
    watched.time = 500;
    let answer: string | null = 'one';
    while (answer === 'one') {
      answer = watched.now('/b.png');
      await new Promise(setImmediate);
    }
    expect(answer).toBe('two');
  });

  it('is read anew with its siblings, as far as they were in memory', async () => {
    folder.write({ 'www/c.css.br': 'brotli', 'www/c.css.gz': 'gzip' });
    const watched = await inMemory('c.css');
    await watched.get('/c.css', { fields: { 'Accept-Encoding': 'gzip' } });
    folder.write({ 'www/c.css.gz': 'gzip 2' });
    watched.time = 500;
    watched.now('/c.css');
    await vi.waitFor(() => expect(watched.files.cache.known('c.css')?.checkedAt).toBe(500));
    const held = watched.files.cache.known('c.css')?.representations.map(({ content }) => content?.toString() ?? null);
    expect(held).toEqual(['one', null, 'gzip 2']);
    expect(watched.files.cache.used).toBe(
      ENTRY_BYTES + 3 * REPRESENTATION_BYTES + 2 * 'c.css'.length + 'one'.length + 'gzip 2'.length,
    );
    expect(watched.now('/c.css', { fields: { 'Accept-Encoding': 'gzip' } })).toBe('gzip 2');
  });

  it('is not answered from memory after max_age, however long the look takes', async () => {
    const watched = await inMemory('d.png');
    hang(watched);
    watched.time = 500;
    expect(watched.now('/d.png')).toBe('one');
    folder.write({ 'www/d.png': 'two' });
    watched.time = 1000;
    const waiting = watched.get('/d.png');
    expect(watched.opened).toEqual(['d.png']);
    // The look is as old as an answer may be: what it brings is of no use to requests that come now.
    watched.time = 1500;
    const other = watched.get('/d.png');
    expect(watched.opened).toEqual(['d.png', 'd.png']);
    watched.disk = null;
    expect(await Promise.race([waiting, other, Promise.resolve('neither')])).toBe('neither');
  });

  it.each([
    ['is gone', (disk: Disk) => (unlinkSync(folder.path('www/e.png')), disk.answer()), 404],
    ['cannot be looked at', (disk: Disk) => disk.fail(new Error('EIO')), 200],
  ])('is dropped at once when it %s', async (_, end, status) => {
    const watched = await inMemory('e.png');
    const disk = hang(watched);
    watched.time = 500;
    expect(watched.now('/e.png')).toBe('one');
    end(disk);
    await vi.waitFor(() => expect(watched.files.cache.known('e.png')).toBeNull());
    expect(watched.files.cache.used).toBe(0);
    expect((await watched.look('/e.png'))[0]).toBe(status);
  });

  it('is dropped when it is a folder now', async () => {
    const watched = await inMemory('f');
    unlinkSync(folder.path('www/f'));
    folder.write({ 'www/f/index.html': 'folder' });
    watched.time = 500;
    expect(watched.now('/f')).toBe('one');
    await vi.waitFor(() => expect(watched.files.cache.known('f')).toBeNull());
    expect((await watched.look('/f'))[0]).toBe(308);
  });
});

describe('looks at the disk that take long', () => {
  it.each(['sees it', 'fails'])('leave alone what was found later, when a look %s', async (how) => {
    const watched = await inMemory('g.png');
    const { cache } = watched.files;
    const disk = hang(watched);
    watched.time = 500;
    expect(watched.now('/g.png')).toBe('one');
    const slow = watched.files.look('g.png').catch(() => null);
    watched.disk = null;
    watched.time = 2000;
    await watched.get('/g.png');
    const later = cache.known('g.png');
    expect([later?.checkedAt, watched.now('/g.png')]).toEqual([2000, 'one']);
    if (how === 'fails') disk.fail(new Error('EIO'));
    else disk.answer();
    expect((await slow)?.checkedAt).toBe(how === 'fails' ? undefined : 500);
    expect([cache.known('g.png') === later, later?.checkedAt]).toEqual([true, 2000]);
  });

  it('do not make a file that has not changed older than it is', async () => {
    const watched = await inMemory('h.png');
    for (const { state } of watched.files.cache.known('h.png')?.representations ?? [])
      Object.assign(state, { ctimeNs: 1n });
    watched.onOpen = (_, opened) => void Object.assign(opened.state, { ctimeNs: 1n });
    const disk = hang(watched);
    watched.time = 500;
    const slow = watched.files.look('h.png');
    watched.disk = null;
    watched.time = 2000;
    const later = await watched.files.look('h.png');
    disk.answer();
    expect(await slow).toBe(later);
    expect(later?.checkedAt).toBe(2000);
  });

  it('are joined while they may be, whatever became of one before', async () => {
    const watched = await inMemory('i.png');
    const first = hang(watched);
    watched.time = 1000;
    const slow = watched.files.look('i.png').catch(() => null);
    hang(watched);
    watched.time = 2000;
    const later = watched.files.look('i.png');
    first.fail(new Error('EIO'));
    await slow;
    expect(watched.files.look('i.png')).toBe(later);
  });

  it('are not more than 16 at a time, when no request waits for them', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `many-${i}.png`);
    for (const name of names) folder.write({ [`www/${name}`]: 'one' });
    const watched = await inMemory('many.png');
    for (const name of names) await watched.get(`/${name}`);
    watched.opened = [];
    const disk = hang(watched);
    watched.time = 500;
    for (const name of names) expect(watched.now(`/${name}`)).toBe('one');
    expect(watched.opened).toEqual(names.slice(0, 16));
    disk.answer();
    await vi.waitFor(() => expect(watched.files.cache.known(names[15])?.checkedAt).toBe(500));
    await new Promise(setImmediate);
    watched.now(`/${names[16]}`);
    expect(watched.opened).toContain(names[16]);
  });
});
