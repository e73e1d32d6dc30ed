import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { pollInterval, pollsByEnvironment } from './polling.ts';
import { inotifyWatches, WatchSession } from './testing/watch-session.ts';

describe('pollsByEnvironment', () => {
  it.each<readonly [Record<string, string>, boolean]>([
    [{}, false],
    [{ PROX_WATCH_POLL: '' }, false],
    [{ PROX_WATCH_POLL: '0' }, false],
    [{ PROX_WATCH_POLL: 'False' }, false],
    [{ PROX_WATCH_POLL: '1' }, true],
    [{ PROX_WATCH_POLL: 'true' }, true],
    [{ CHOKIDAR_USEPOLLING: '1' }, true],
    [{ PROX_WATCH_POLL: '0', CHOKIDAR_USEPOLLING: '0' }, false],
  ])('reads %j as %s', (env, polls) => {
    expect(pollsByEnvironment(env)).toBe(polls);
  });
});

describe('pollInterval', () => {
  it.each([
    ['a few files without events', false, 1, 1000],
    ['10,000 files without events', false, 500, 10_000],
    ['a few files with events', true, 1, 10_000],
    ['10,000 files with events', true, 100, 50_000],
    ['a network mount that answers slowly', true, 60_000, 300_000],
  ])('of %s', (_what, events, lookMs, interval) => {
    expect(pollInterval(events, lookMs)).toBe(interval);
  });
});

describe('polling', () => {
  let session: WatchSession;

  afterEach(() => session.end());

  function polling(files: Readonly<Record<string, string>>): void {
    session = new WatchSession(files, { poll: true, pollMs: 25 });
  }

  it('uses no events, and notices changed, replaced, new, removed and swapped files', async () => {
    polling({ 'prox.json5': '1', '..1/link.json5': '1', '..2/link.json5': '2' });
    mkdirSync(session.at('conf'));
    symlinkSync('..1', session.at('..data'));
    symlinkSync('..data/link.json5', session.at('link.json5'));
    const before = inotifyWatches();
    await session.watch('prox.json5', 'conf', 'link.json5', 'later.json5');
    expect(inotifyWatches()).toBe(before);
    session.write('prox.json5', '2');
    expect(await session.call()).toEqual(['prox.json5']);
    session.write('old', '3');
    utimesSync(session.at('old'), 1, 1);
    renameSync(session.at('old'), session.at('prox.json5'));
    expect(await session.call()).toEqual(['prox.json5']);
    session.write('conf/a.json5', '1');
    expect(await session.call()).toEqual(['conf/a.json5']);
    session.write('later.json5', '1');
    expect(await session.call()).toEqual(['later.json5']);
    symlinkSync('..2', session.at('..tmp'));
    renameSync(session.at('..tmp'), session.at('..data'));
    expect(await session.call()).toEqual(['link.json5']);
    rmSync(session.at('prox.json5'));
    expect(await session.call()).toEqual(['prox.json5']);
  });

  it('reports nothing for a touch', async () => {
    polling({ 'prox.json5': '1', 'marker.json5': '' });
    await session.watch('prox.json5', 'marker.json5');
    utimesSync(session.at('prox.json5'), 1, 1);
    session.write('marker.json5', '1');
    expect(await session.call()).toEqual(['marker.json5']);
  });

  it('goes on beside events, for mounts that give none', async () => {
    // A folder above the one that is watched: no event tells of it.
    session = new WatchSession({ 'a/b/prox.json5': '1', 'new/b/prox.json5': '2' }, { pollMs: 25 });
    await session.watch('a/b/prox.json5');
    renameSync(session.at('a'), session.at('old'));
    renameSync(session.at('new'), session.at('a'));
    expect(await session.call()).toEqual(['a/b/prox.json5']);
  });
});
