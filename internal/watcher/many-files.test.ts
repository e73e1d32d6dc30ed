import { afterEach, describe, expect, it } from 'vitest';
import { inotifyWatches, WatchSession } from './testing/watch-session.ts';

describe('thousands of includes', () => {
  let session: WatchSession;

  afterEach(() => session.end());

  it('are watched by a handful of watchers, and one of them that changes is found', async () => {
    const names = Array.from({ length: 3000 }, (_, i) => `routes/${i % 10}/${i}.json5`);
    session = new WatchSession(Object.fromEntries(names.map((name) => [name, `[/* ${name} */]`])));
    const before = inotifyWatches();
    await session.watch(...names);
    expect(inotifyWatches()).toBe(before + 10);
    session.write('routes/7/1237.json5', '[]');
    expect(await session.call()).toEqual(['routes/7/1237.json5']);
  });
});
