import { describe, expect, it } from 'vitest';
import { Baseline } from './baseline.ts';
import type { Snapshot } from './snapshot.ts';

function snapshot(states: Readonly<Record<string, string>>, changedAt = 0): Snapshot {
  return {
    items: new Map(Object.entries(states).map(([path, state]) => [path, { state, changedAt }])),
    folders: new Map(),
  };
}

/** A baseline of paths as they stand in a snapshot. */
function baselineOf(paths: readonly string[], states: Readonly<Record<string, string>>): Baseline {
  const baseline = new Baseline();
  baseline.adopt(new Set(paths), snapshot(states), Infinity);
  return baseline;
}

describe('Baseline', () => {
  it.each<readonly [string, Readonly<Record<string, string>>, readonly string[]]>([
    ['nothing', { '/a': '1', '/b': 'ENOENT', '/d': 'folder', '/d/x.json5': '1' }, []],
    ['another content', { '/a': '2', '/b': 'ENOENT', '/d': 'folder', '/d/x.json5': '1' }, ['/a']],
    ['a file that appeared', { '/a': '1', '/b': '1', '/d': 'folder', '/d/x.json5': '1' }, ['/b']],
    ['a file that went', { '/a': 'ENOENT', '/b': 'ENOENT', '/d': 'folder', '/d/x.json5': '1' }, ['/a']],
    ['a file that became unreadable', { '/a': 'EACCES', '/b': 'ENOENT', '/d': 'folder', '/d/x.json5': '1' }, ['/a']],
    [
      'a new file in a folder',
      { '/a': '1', '/b': 'ENOENT', '/d': 'folder', '/d/w.json5': '1', '/d/x.json5': '1' },
      ['/d/w.json5'],
    ],
    ['a file that left a folder', { '/a': '1', '/b': 'ENOENT', '/d': 'folder' }, ['/d/x.json5']],
    ['a folder that went', { '/a': '1', '/b': 'ENOENT', '/d': 'ENOENT' }, ['/d', '/d/x.json5']],
  ])('tells %s', (_what, states, changed) => {
    const baseline = baselineOf(['/a', '/b', '/d'], { '/a': '1', '/b': 'ENOENT', '/d': 'folder', '/d/x.json5': '1' });
    expect(baseline.differences(snapshot(states))).toEqual(changed);
    baseline.replace(snapshot(states));
    expect(baseline.differences(snapshot(states))).toEqual([]);
  });

  it('keeps what it knew when other paths are watched, and takes new ones as they are', () => {
    const baseline = baselineOf(['/a', '/b'], { '/a': '1', '/b': '1' });
    const now = snapshot({ '/a': '2', '/c': '7' });
    baseline.adopt(new Set(['/a', '/c']), now, Infinity);
    expect(baseline.differences(now)).toEqual(['/a']);
  });

  it('does not know what was read of new files that changed since', () => {
    const baseline = baselineOf(['/a'], { '/a': '1' });
    const now = snapshot({ '/a': '1', '/c': '7' }, 10_000);
    baseline.adopt(new Set(['/a', '/c']), now, 9000);
    expect(baseline.differences(now)).toEqual(['/c']);
  });

  it('takes a fragment that appeared in a known folder as a change, even when the new paths name it', () => {
    const baseline = baselineOf(['/d'], { '/d': 'folder' });
    const now = snapshot({ '/d': 'folder', '/d/new.json5': '1' });
    baseline.adopt(new Set(['/d', '/d/new.json5']), now, Infinity);
    expect(baseline.differences(now)).toEqual(['/d/new.json5']);
  });

  it('takes another file of a known folder as something new to watch', () => {
    const baseline = baselineOf(['/d'], { '/d': 'folder' });
    const now = snapshot({ '/d': 'folder', '/d/body.html': '1' });
    baseline.adopt(new Set(['/d', '/d/body.html']), now, Infinity);
    expect(baseline.differences(now)).toEqual([]);
  });
});
