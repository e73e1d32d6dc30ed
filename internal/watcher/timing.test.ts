import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { watch } from 'chokidar';
import { afterEach, describe, expect, it } from 'vitest';
import { ConfigWatcher } from './config-watcher.ts';
import type { OpenWatcher } from './folder-watchers.ts';
import { until, WatchSession } from './testing/watch-session.ts';

let session: WatchSession;

afterEach(() => session.end());

/** A promise that the test settles. */
function held() {
  let release = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { promise, release };
}

/**
 * Waits until a slower watcher of the same files reports: the one under test has looked by then. `act` is the change.
 */
async function seenByWitness(names: readonly string[], act: () => void): Promise<void> {
  let seen = false;
  const witness = new ConfigWatcher({
    onChange: () => {
      seen = true;
    },
    onError: (error) => session.errors.push(error),
    debounceMs: 80,
    poll: false,
  });
  witness.watch(names.map((name) => session.at(name)));
  await witness.ready();
  act();
  await until(() => seen, 'the witness');
  await witness.close();
}

/** The time of a reading that began well after the last change, by the coarse clock of the file system. */
async function timeAfter(name: string): Promise<number> {
  const { ctimeMs } = statSync(session.at(name));
  await until(() => Date.now() > ctimeMs + 100, 'the clock');
  return Date.now();
}

describe('a change that takes a while', () => {
  it.each([false, true])('is reported once, when the file is whole (polling: %s)', async (poll) => {
    // The clock must see the same twice; events must stay away for longer than the process may be held up.
    const options = poll ? { debounceMs: 40, pollMs: 20 } : { debounceMs: 400 };
    session = new WatchSession({ 'prox.json5': 'old' }, { poll, ...options });
    await session.watch('prox.json5');
    const seen: string[] = [];
    session.react = () => {
      seen.push(readFileSync(session.at('prox.json5'), 'utf8'));
    };
    const file = openSync(session.at('prox.json5'), 'r+');
    ftruncateSync(file);
    for (let i = 0; i < 10; i++) {
      writeSync(file, `${i}`);
      await setTimeout(15);
    }
    closeSync(file);
    await until(() => seen.length > 0, 'the whole file');
    expect(seen).toEqual(['0123456789']);
  });

  it.each([false, true])('is reported though it never ends (polling: %s)', async (poll) => {
    session = new WatchSession(
      { 'prox.json5': '' },
      { debounceMs: 200, maxWaitMs: 300, poll, ...(poll ? { pollMs: 20 } : {}) },
    );
    await session.watch('prox.json5');
    while (session.calls.length < 3) {
      appendFileSync(session.at('prox.json5'), 'x');
      await setTimeout(10);
    }
    expect(session.calls.slice(0, 3)).toEqual([['prox.json5'], ['prox.json5'], ['prox.json5']]);
  });

  it('of many files is reported once', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `${i}.json5`);
    session = new WatchSession(Object.fromEntries(names.map((name) => [name, '1'])));
    await session.watch(...names);
    for (const name of names) session.write(name, '2');
    expect(await session.call()).toEqual(names.toSorted());
    session.write('0.json5', '3');
    expect(await session.call()).toEqual(['0.json5']);
  });
});

describe('while onChange runs', () => {
  it('changes lead to one more call after it, never to one beside it', async () => {
    session = new WatchSession({ 'a.json5': '1', 'b.json5': '1', 'marker.json5': '' }, { debounceMs: 20 });
    await session.watch('a.json5', 'b.json5');
    const first = held();
    let running = 0;
    let most = 0;
    session.react = async () => {
      most = Math.max(most, ++running);
      if (session.calls.length === 1) await first.promise;
      running--;
    };
    session.write('a.json5', '2');
    await session.call();
    await seenByWitness(['a.json5'], () => session.write('a.json5', '3'));
    await seenByWitness(['b.json5'], () => session.write('b.json5', '2'));
    expect(session.calls).toHaveLength(1);
    first.release();
    expect(await session.call()).toEqual(['a.json5', 'b.json5']);
    session.write('b.json5', '3');
    expect(await session.call()).toEqual(['b.json5']);
    expect(session.calls).toHaveLength(3);
    expect(most).toBe(1);
  });

  it('a change that was taken back before its end leads to nothing', async () => {
    session = new WatchSession({ 'a.json5': '1', 'marker.json5': '' }, { debounceMs: 20 });
    await session.watch('a.json5', 'marker.json5');
    const first = held();
    session.react = () => (session.calls.length === 1 ? first.promise : undefined);
    session.write('a.json5', '2');
    await session.call();
    await seenByWitness(['a.json5'], () => session.write('a.json5', '3'));
    session.write('a.json5', '2');
    first.release();
    session.write('marker.json5', '1');
    expect(await session.call()).toEqual(['marker.json5']);
  });

  it('watch() from within it takes effect, and loses no change that came during it', async () => {
    session = new WatchSession({ 'prox.json5': '1', 'gone.json5': '1', 'new.json5': '1' });
    await session.watch('prox.json5', 'gone.json5');
    session.react = async () => {
      if (session.calls.length > 1) return;
      // The config was read; now the file changes, then the result of the reading is watched.
      session.write('prox.json5', '3');
      await session.watch('prox.json5', 'new.json5');
    };
    session.write('prox.json5', '2');
    expect(await session.call()).toEqual(['prox.json5']);
    expect(await session.call()).toEqual(['prox.json5']);
    session.write('gone.json5', '2');
    session.write('new.json5', '2');
    expect(await session.call()).toEqual(['new.json5']);
  });

  it('a failure of it is told, and the next change is reported', async () => {
    session = new WatchSession({ 'prox.json5': '1' });
    await session.watch('prox.json5');
    session.react = () => {
      if (session.calls.length === 1) throw new Error('bad');
      return session.calls.length === 2 ? Promise.reject(new Error('worse')) : undefined;
    };
    for (const content of ['2', '3', '4']) {
      session.write('prox.json5', content);
      await session.call();
    }
    expect(session.errors.map(({ message }) => message)).toEqual(['bad', 'worse']);
  });
});

describe('a change between reading and watching', () => {
  it('is reported when the time of reading is told', async () => {
    session = new WatchSession({ 'prox.json5': '1', 'old.json5': '1' });
    const readAt = await timeAfter('prox.json5');
    session.write('prox.json5', '2');
    session.watcher.watch([session.at('prox.json5'), session.at('old.json5')], readAt);
    expect(await session.call()).toEqual(['prox.json5']);
  });

  it('is reported for a file that was deleted', async () => {
    session = new WatchSession({ 'prox.json5': '1' });
    const readAt = await timeAfter('prox.json5');
    unlinkSync(session.at('prox.json5'));
    session.watcher.watch([session.at('prox.json5')], readAt);
    expect(await session.call()).toEqual(['prox.json5']);
  });

  it('is not made up: files that were there before are taken as they were read', async () => {
    session = new WatchSession({ 'prox.json5': '1', 'marker.json5': '' });
    const readAt = await timeAfter('marker.json5');
    session.watcher.watch([session.at('prox.json5'), session.at('marker.json5')], readAt);
    await session.watcher.ready();
    session.write('marker.json5', '1');
    expect(await session.call()).toEqual(['marker.json5']);
  });

  it('is reported when it comes while the watchers are opened', async () => {
    let opened = 0;
    const openWatcher: OpenWatcher = (folder) => {
      if (++opened === 1) session.write('prox.json5', '2');
      return watch(folder, { depth: 0, ignored: (path) => path !== folder });
    };
    session = new WatchSession({ 'prox.json5': '1' }, { openWatcher });
    const readAt = await timeAfter('prox.json5');
    session.watcher.watch([session.at('prox.json5')], readAt);
    expect(await session.call()).toEqual(['prox.json5']);
  });

  it('is not lost by watch() calls in a row', async () => {
    session = new WatchSession({ 'prox.json5': '1', 'other.json5': '1' });
    await session.watch('prox.json5');
    session.write('prox.json5', '2');
    for (let i = 0; i < 20; i++) session.watcher.watch([session.at('prox.json5'), session.at('other.json5')]);
    expect(await session.call()).toEqual(['prox.json5']);
  });
});

describe('close', () => {
  it('ends everything: no call comes after it', async () => {
    session = new WatchSession({ 'prox.json5': '1' });
    const after = new WatchSession({ 'prox.json5': '1' });
    await session.watch('prox.json5');
    await after.watch('prox.json5');
    session.write('prox.json5', '2');
    await session.watcher.close();
    writeFileSync(after.at('prox.json5'), '2');
    await after.call();
    await after.end();
    expect(session.calls).toEqual([]);
  });

  it('may be called while watching begins, twice, and before watch()', async () => {
    session = new WatchSession({ 'prox.json5': '1' });
    session.watcher.watch([session.at('prox.json5')]);
    await Promise.all([session.watcher.close(), session.watcher.close()]);
    session.watcher.watch([session.at('prox.json5')]);
    await session.watcher.ready();
    expect(session.calls).toEqual([]);
  });
});
