import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { until, WatchSession } from './testing/watch-session.ts';

let session: WatchSession;

afterEach(() => session.end());

/** Starts a session and waits until it watches. */
async function watching(names: string[], files: Readonly<Record<string, string>>): Promise<WatchSession> {
  session = new WatchSession(files);
  await session.watch(...names);
  return session;
}

/**
 * A change that must be noticed, after one that must not: one call that names only the marker proves that nothing came
 * of what was done before it.
 */
async function expectOnlyMarker(marker = 'prox.json5'): Promise<void> {
  appendFileSync(session.at(marker), '// marker\n');
  await until(() => session.calls.length > 0, 'the marker');
  expect(session.calls).toEqual([[marker]]);
}

describe('a file', () => {
  const ways: readonly (readonly [string, (at: (name: string) => string) => void])[] = [
    ['is written in place', (at) => writeFileSync(at('prox.json5'), 'two')],
    ['is appended to', (at) => appendFileSync(at('prox.json5'), 'two')],
    ['is cut', (at) => truncateSync(at('prox.json5'), 1)],
    [
      'is renamed away and written anew, as vim does',
      (at) => {
        writeFileSync(at('4913'), '');
        unlinkSync(at('4913'));
        renameSync(at('prox.json5'), at('prox.json5~'));
        writeFileSync(at('prox.json5'), 'two');
        unlinkSync(at('prox.json5~'));
      },
    ],
    [
      'is replaced by a temporary file, as VS Code and sed -i do',
      (at) => {
        writeFileSync(at('.prox.json5.tmp'), 'two');
        renameSync(at('.prox.json5.tmp'), at('prox.json5'));
      },
    ],
    [
      'is backed up as a hard link, locked by a dangling link and replaced, as Emacs does',
      (at) => {
        symlinkSync('me@host.1:2', at('.#prox.json5'));
        linkSync(at('prox.json5'), at('prox.json5~'));
        writeFileSync(at('#prox.json5#'), 'two');
        renameSync(at('#prox.json5#'), at('prox.json5'));
        unlinkSync(at('.#prox.json5'));
      },
    ],
    [
      'is deleted and made again',
      (at) => {
        unlinkSync(at('prox.json5'));
        writeFileSync(at('prox.json5'), 'two');
      },
    ],
    ['is deleted', (at) => unlinkSync(at('prox.json5'))],
    [
      'is replaced by an older file of the same size',
      (at) => {
        writeFileSync(at('old'), 'two');
        utimesSync(at('old'), 1, 1);
        renameSync(at('old'), at('prox.json5'));
      },
    ],
    [
      'is replaced by a folder',
      (at) => {
        unlinkSync(at('prox.json5'));
        mkdirSync(at('prox.json5'));
      },
    ],
  ];

  it.each(ways)('that %s is reported once', async (_way, change) => {
    await watching(['prox.json5', 'other.json5'], { 'prox.json5': 'one', 'other.json5': 'other' });
    change((name) => session.at(name));
    expect(await session.call()).toEqual(['prox.json5']);
    appendFileSync(session.at('other.json5'), '// marker\n');
    expect(await session.call()).toEqual(['other.json5']);
  });

  it('is still watched after it was replaced, again and again', async () => {
    await watching(['prox.json5'], { 'prox.json5': '0' });
    for (let i = 1; i <= 5; i++) {
      writeFileSync(session.at('new'), String(i));
      renameSync(session.at('new'), session.at('prox.json5'));
      expect(await session.call()).toEqual(['prox.json5']);
      expect(session.calls).toHaveLength(i);
    }
  });

  it('that does not exist yet is reported when it appears', async () => {
    await watching(['prox.json5', 'routes.json5'], { 'prox.json5': 'one' });
    session.write('routes.json5', '[]');
    expect(await session.call()).toEqual(['routes.json5']);
  });

  it('in folders that do not exist yet is reported when it appears', async () => {
    await watching(['a/b/c/routes.json5'], {});
    mkdirSync(session.at('a'));
    mkdirSync(session.at('a/b'));
    session.write('a/b/c/routes.json5', '[]');
    expect(await session.call()).toEqual(['a/b/c/routes.json5']);
  });

  it('is reported when its folder goes, when that comes back, and when it changes after that', async () => {
    await watching(['sub/prox.json5'], { 'sub/prox.json5': 'one' });
    rmSync(session.at('sub'), { recursive: true });
    expect(await session.call()).toEqual(['sub/prox.json5']);
    session.write('sub/prox.json5', 'two');
    expect(await session.call()).toEqual(['sub/prox.json5']);
    session.write('sub/prox.json5', 'three');
    expect(await session.call()).toEqual(['sub/prox.json5']);
    expect(session.calls).toHaveLength(3);
  });

  it('is reported when another folder is renamed over its folder', async () => {
    await watching(['live/prox.json5'], { 'live/prox.json5': 'one', 'next/prox.json5': 'two' });
    renameSync(session.at('live'), session.at('old'));
    renameSync(session.at('next'), session.at('live'));
    expect(await session.call()).toEqual(['live/prox.json5']);
    session.write('live/prox.json5', 'three');
    expect(await session.call()).toEqual(['live/prox.json5']);
  });
});

describe('nothing is reported for', () => {
  it.each<readonly [string, (at: (name: string) => string) => void]>([
    [
      'a log that grows beside the config',
      (at) => Array.from({ length: 20 }, () => appendFileSync(at('access.log'), 'x')),
    ],
    [
      'another file that appears, changes and goes',
      (at) => {
        writeFileSync(at('other.json5'), '1');
        writeFileSync(at('other.json5'), '2');
        unlinkSync(at('other.json5'));
      },
    ],
    ['a touch', (at) => utimesSync(at('prox.json5'), new Date(), new Date())],
    ['new permissions', (at) => chmodSync(at('prox.json5'), 0o640)],
    ['the same text written again', (at) => writeFileSync(at('prox.json5'), 'one\n')],
    [
      'the same text in a new file',
      (at) => {
        copyFileSync(at('prox.json5'), at('copy'));
        renameSync(at('copy'), at('prox.json5'));
      },
    ],
    [
      'a change that is taken back at once',
      (at) => {
        writeFileSync(at('prox.json5'), 'two');
        writeFileSync(at('prox.json5'), 'one\n');
      },
    ],
    ['reading the file', (at) => readFileSync(at('prox.json5'))],
    ['a folder beside the config', (at) => mkdirSync(join(at('sub'), 'sub'), { recursive: true })],
  ])('%s', async (_what, act) => {
    session = new WatchSession({ 'prox.json5': 'one\n', 'access.log': '' });
    session.write('marker.json5', '');
    await session.watch('prox.json5', 'marker.json5');
    act((name) => session.at(name));
    await expectOnlyMarker('marker.json5');
  });

  it('a file that is not watched any more', async () => {
    await watching(['prox.json5', 'old.json5'], { 'prox.json5': 'one', 'old.json5': 'one' });
    await session.watch('prox.json5');
    session.write('old.json5', 'two');
    await expectOnlyMarker();
  });
});

describe('a folder', () => {
  it.each<readonly [string, string[], (at: (name: string) => string) => void]>([
    ['a new fragment', ['conf/b.json5'], (at) => writeFileSync(at('conf/b.json5'), '{}')],
    ['a changed fragment', ['conf/a.json5'], (at) => writeFileSync(at('conf/a.json5'), '{ }')],
    ['a removed fragment', ['conf/a.json5'], (at) => unlinkSync(at('conf/a.json5'))],
    [
      'a renamed fragment',
      ['conf/a.json5', 'conf/c.json5'],
      (at) => renameSync(at('conf/a.json5'), at('conf/c.json5')),
    ],
    ['a certificate', ['conf/a.crt'], (at) => writeFileSync(at('conf/a.crt'), 'PEM')],
    ['its removal', ['conf', 'conf/a.json5'], (at) => rmSync(at('conf'), { recursive: true })],
  ])('is reported for %s', async (_what, paths, change) => {
    await watching(['conf'], { 'conf/a.json5': '{}', 'conf/access.log': '' });
    change((name) => session.at(name));
    expect(await session.call()).toEqual(paths);
  });

  it('is not reported for logs, hidden files, backups and editors in it', async () => {
    await watching(['conf', 'prox.json5'], { 'conf/a.json5': '{}', 'prox.json5': '' });
    for (const name of ['access.log', '.a.json5.swp', '.hidden.json5', 'a.json5~', '#a.json5#', 'README']) {
      session.write(`conf/${name}`, 'x');
    }
    await expectOnlyMarker();
  });

  it('is not read through folders and links to itself in it', async () => {
    session = new WatchSession({ 'conf/a.json5': '{}' });
    symlinkSync('.', session.at('conf/x.json5'));
    symlinkSync('.', session.at('conf/y.json5'));
    await session.watch('conf');
    session.write('conf/b.json5', '{}');
    expect(await session.call()).toEqual(['conf/b.json5']);
  });
});

describe('symbolic links', () => {
  /** A volume as the kubelet makes it: `name -> ..data/name`, `..data -> ..1`, `..1/name`. */
  function volume(files: Readonly<Record<string, string>>): void {
    session = new WatchSession();
    for (const [name, content] of Object.entries(files)) session.write(`..1/${name}`, content);
    symlinkSync('..1', session.at('..data'));
    for (const name of Object.keys(files)) symlinkSync(join('..data', name), session.at(name));
  }

  /** A new version as the kubelet makes it: a new folder, the link swapped by a rename, the old folder removed. */
  function update(from: number, files: Readonly<Record<string, string>>): void {
    for (const [name, content] of Object.entries(files)) session.write(`..${from + 1}/${name}`, content);
    symlinkSync(`..${from + 1}`, session.at('..data_tmp'));
    renameSync(session.at('..data_tmp'), session.at('..data'));
    rmSync(session.at(`..${from}`), { recursive: true });
  }

  it('swapped in a Kubernetes volume are noticed, each time, with only the files that differ', async () => {
    volume({ 'prox.json5': '1', 'routes.json5': 'same' });
    await session.watch('prox.json5', 'routes.json5');
    for (let i = 1; i <= 3; i++) {
      update(i, { 'prox.json5': String(i + 1), 'routes.json5': 'same' });
      expect(await session.call()).toEqual(['prox.json5']);
      expect(session.calls).toHaveLength(i);
    }
  });

  it('swapped in a Kubernetes volume that is read as a folder are noticed', async () => {
    volume({ 'a.json5': '1' });
    await session.watch('.');
    update(1, { 'a.json5': '2' });
    expect(await session.call()).toEqual(['a.json5']);
  });

  it('swapped to the same content are not reported', async () => {
    volume({ 'prox.json5': '1' });
    session.write('marker.json5', '');
    await session.watch('prox.json5', 'marker.json5');
    update(1, { 'prox.json5': '1' });
    await expectOnlyMarker('marker.json5');
  });

  it('are followed to a file elsewhere, and watched themselves', async () => {
    session = new WatchSession({ 'store/one': '1', 'store/two': '2' });
    mkdirSync(session.at('etc'));
    symlinkSync(session.at('store/one'), session.at('etc/prox.json5'));
    await session.watch('etc/prox.json5');
    session.write('store/one', '1a');
    expect(await session.call()).toEqual(['etc/prox.json5']);
    unlinkSync(session.at('etc/prox.json5'));
    symlinkSync('../store/two', session.at('etc/prox.json5'));
    expect(await session.call()).toEqual(['etc/prox.json5']);
    session.write('store/two', '2a');
    expect(await session.call()).toEqual(['etc/prox.json5']);
    expect(session.calls).toHaveLength(3);
  });

  it('in the middle of a path are watched, as in releases/current', async () => {
    session = new WatchSession({ 'releases/1/conf/prox.json5': '1', 'releases/2/conf/prox.json5': '2' });
    symlinkSync('releases/1', session.at('current'));
    await session.watch('current/conf/prox.json5');
    symlinkSync('releases/2', session.at('next'));
    renameSync(session.at('next'), session.at('current'));
    expect(await session.call()).toEqual(['current/conf/prox.json5']);
  });

  it('that lead nowhere, or in a circle, are reported when they lead somewhere', async () => {
    session = new WatchSession();
    symlinkSync('later.json5', session.at('prox.json5'));
    symlinkSync('circle.json5', session.at('circle.json5'));
    await session.watch('prox.json5', 'circle.json5');
    session.write('later.json5', '1');
    expect(await session.call()).toEqual(['prox.json5']);
    unlinkSync(session.at('circle.json5'));
    session.write('circle.json5', '1');
    expect(await session.call()).toEqual(['circle.json5']);
  });
});
