import { EventEmitter } from 'node:events';
import { appendFileSync } from 'node:fs';
import { type FSWatcher, watch } from 'chokidar';
import { afterEach, describe, expect, it } from 'vitest';
import { type FolderEvents, FolderWatchers } from './folder-watchers.ts';
import type { FolderToWatch } from './snapshot.ts';
import { inotifyWatches, until, WatchSession } from './testing/watch-session.ts';

let session: WatchSession;

afterEach(() => session.end());

describe('watchers', () => {
  it('are neither leaked nor lost by repeated watch() calls', async () => {
    session = new WatchSession({ 'a/1.json5': '', 'b/1.json5': '', 'c/1.json5': '' });
    const before = inotifyWatches();
    await session.watch('a/1.json5', 'b/1.json5');
    expect(inotifyWatches()).toBe(before + 2);
    for (let i = 0; i < 50; i++) {
      await session.watch('a/1.json5', i % 2 === 0 ? 'c/1.json5' : 'b/1.json5');
      expect(inotifyWatches()).toBe(before + 2);
    }
    session.write('a/1.json5', '1');
    expect(await session.call()).toEqual(['a/1.json5']);
    await session.watcher.close();
    expect(inotifyWatches()).toBe(before);
  });

  it('are one for a folder, not one for each of its files', async () => {
    const names = Array.from({ length: 200 }, (_, i) => `${i}.json5`);
    session = new WatchSession(Object.fromEntries(names.map((name) => [name, ''])));
    const before = inotifyWatches();
    await session.watch(...names);
    expect(inotifyWatches()).toBe(before + 1);
  });

  it('are gone after close() in the middle of their opening', async () => {
    session = new WatchSession({ 'a/1.json5': '', 'b/1.json5': '' });
    const before = inotifyWatches();
    for (let i = 0; i < 20; i++) {
      const other = new WatchSession({}, {});
      other.watcher.watch([session.at('a/1.json5'), session.at('b/1.json5')]);
      for (let turn = 0; turn < i; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
      await other.end();
    }
    await until(() => inotifyWatches() === before, 'the last watcher to close');
    expect(inotifyWatches()).toBe(before);
  });
});

describe('when a folder cannot be watched', () => {
  it('that is told once, and its files are looked at by the clock', async () => {
    const failing = (): FSWatcher => {
      const watcher = watch([], {});
      setImmediate(() => watcher.emit('error', Object.assign(new Error('no space left'), { code: 'ENOSPC' })));
      return watcher;
    };
    session = new WatchSession({ 'a/1.json5': '', 'b/1.json5': '' }, { openWatcher: failing, pollMs: 30 });
    await session.watch('a/1.json5', 'b/1.json5');
    session.write('b/1.json5', '1');
    expect(await session.call()).toEqual(['b/1.json5']);
    expect(session.errors).toHaveLength(1);
    expect(session.errors[0]?.message).toMatch(/cannot watch .*every second.*no space left.*max_user_watches/);
  });
});

/** Watchers on a folder that does not exist, whose events the test makes. */
class FakeFolders implements FolderEvents {
  touches = 0;
  readonly errors: Error[] = [];
  readonly opened: EventEmitter[] = [];
  closed = 0;
  readonly watchers = new FolderWatchers(this, () => {
    const watcher = Object.assign(new EventEmitter(), {
      close: () => {
        this.closed++;
        watcher.removeAllListeners();
        return Promise.resolve();
      },
    });
    this.opened.push(watcher);
    setImmediate(() => watcher.emit('ready'));
    return watcher as unknown as FSWatcher;
  });

  readonly onTouch = (): void => {
    this.touches++;
  };

  readonly onError = (error: Error): void => {
    this.errors.push(error);
  };

  sync(identity: string, names: readonly string[], listed = false): Promise<boolean> {
    const folder: FolderToWatch = { identity, names: new Set(names), listed };
    return this.watchers.sync(new Map([['/etc/prox', folder]]));
  }

  event(name: string | null): void {
    this.opened.at(-1)?.emit('raw', 'change', name);
  }
}

describe('events of a folder', () => {
  it.each([
    ['a watched name', 'prox.json5', false, 1],
    ['another name', 'access.log', false, 0],
    ['no name', null, false, 1],
    ['the folder itself', 'prox', false, 1],
    ['a new fragment in a folder that is not listed', 'new.json5', false, 0],
    ['a new fragment in a folder that is listed', 'new.json5', true, 1],
    ['a hidden file in a folder that is listed', '.new.json5', true, 0],
    ['a log in a folder that is listed', 'access.log', true, 0],
  ])('with %s', async (_what, name, listed, touches) => {
    session = new WatchSession();
    const fake = new FakeFolders();
    expect(await fake.sync('1', ['prox.json5'], listed)).toBe(true);
    fake.event(name);
    expect(fake.touches).toBe(touches);
  });

  it('keep the watcher of a folder that stays, and open another for one that took its place', async () => {
    session = new WatchSession();
    const fake = new FakeFolders();
    expect(await fake.sync('1', ['a'])).toBe(true);
    expect(await fake.sync('1', ['b'])).toBe(false);
    fake.event('a');
    expect(fake.touches).toBe(0);
    fake.event('b');
    expect(fake.touches).toBe(1);
    expect(await fake.sync('2', ['b'])).toBe(true);
    expect([fake.opened.length, fake.closed]).toEqual([2, 1]);
    // Removed and made again, with the same inode by chance.
    fake.event('prox');
    expect(await fake.sync('2', ['b'])).toBe(true);
    expect([fake.opened.length, fake.closed]).toEqual([3, 2]);
  });

  it('that come in a storm end the watcher for a while, and ask for a look', async () => {
    session = new WatchSession();
    const fake = new FakeFolders();
    await fake.sync('1', ['prox.json5']);
    expect(fake.watchers.impaired).toBe(false);
    for (let i = 0; i < 1000; i++) fake.event('access.log');
    expect(fake.watchers.impaired).toBe(true);
    expect([fake.opened.length, fake.closed, fake.touches]).toEqual([1, 1, 1]);
    expect(await fake.sync('1', ['prox.json5'])).toBe(false);
    expect(fake.opened).toHaveLength(1);
    await fake.watchers.close();
  });
});

describe('a busy log beside the config', () => {
  it('ends the events of the folder, and changes are still noticed', async () => {
    session = new WatchSession({ 'prox.json5': '1', 'access.log': '' }, { pollMs: 30 });
    const before = inotifyWatches();
    await session.watch('prox.json5');
    await until(() => {
      appendFileSync(session.at('access.log'), 'line\n');
      return inotifyWatches() === before;
    }, 'the watcher to be closed');
    session.write('prox.json5', '2');
    expect(await session.call()).toEqual(['prox.json5']);
    expect(session.errors).toEqual([]);
  });
});
