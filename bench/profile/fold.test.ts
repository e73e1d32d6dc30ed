import { describe, expect, it } from 'vitest';

import { collapsed, type CpuProfile, foldProfile, type Locate } from './fold.ts';
import { topList } from './top-list.ts';

const BUNDLE = 'file:///srv/prox.mjs';

/** What stands on each line of the bundle. */
const SOURCES: Readonly<Record<number, string>> = {
  10: '../../srv/internal/http1/fields.ts',
  20: '../../srv/internal/action/serve/serve.ts',
  30: '../../srv/cmd/prox/main.ts',
  40: '../../srv/node_modules/@scope/thing/lib/a.js',
};
const locate: Locate = (line) => (SOURCES[line] === undefined ? null : { source: SOURCES[line], line: line * 2 });

const frame = (functionName: string, url = '', lineNumber = -1) => ({
  functionName,
  url,
  lineNumber,
  columnNumber: lineNumber < 0 ? -1 : 4,
});

/** (root) -> main -> lines -> native write; main -> (anonymous); (root) -> node:net read, (program), (idle), GC */
const PROFILE: CpuProfile = {
  nodes: [
    { id: 1, callFrame: frame('(root)'), children: [2, 6, 7, 8, 9] },
    { id: 2, callFrame: frame('main', BUNDLE, 30), children: [3, 5] },
    { id: 3, callFrame: frame('lines', BUNDLE, 10), children: [4] },
    { id: 4, callFrame: frame('writeLatin1String') },
    { id: 5, callFrame: frame('', BUNDLE, 20) },
    { id: 6, callFrame: frame('onStreamRead', 'node:internal/stream_base_commons', 165), children: [10] },
    { id: 7, callFrame: frame('(program)') },
    { id: 8, callFrame: frame('(idle)') },
    { id: 9, callFrame: frame('(garbage collector)') },
    { id: 10, callFrame: frame('helper;odd', BUNDLE, 40) },
  ],
  startTime: 1000,
  endTime: 3000,
  samples: [2, 3, 4, 5, 3, 6, 7, 8, 9, 10],
  timeDeltas: [100, 200, 200, 200, 200, 200, 200, 200, 200, 200],
};
const WHOLE = { from: 0, to: 10_000, bundle: 'prox.mjs', locate };

const times = (rows: readonly { name: string; micros: number }[]) =>
  Object.fromEntries(rows.map(({ name, micros }) => [name, micros]));

describe('foldProfile', () => {
  it('names functions by their source, and sums the self time of each until the next sample', () => {
    const { functions } = foldProfile(PROFILE, WHOLE);
    expect(times(functions)).toEqual({
      'cmd/prox/main.ts main': 200,
      'http1/fields.ts lines': 400,
      'native writeLatin1String': 200,
      'action/serve/serve.ts (anonymous, line 41)': 200,
      'node:internal/stream_base_commons onStreamRead': 200,
      '(program)': 200,
      '(garbage collector)': 200,
      // From the last sample to the end of the profile.
      'npm @scope/thing/lib/a.js helper;odd': 100,
    });
    expect(functions[0].name).toBe('http1/fields.ts lines');
  });

  it('leaves idle time out, and counts it', () => {
    expect(foldProfile(PROFILE, WHOLE)).toMatchObject({ busy: 1700, idle: 200 });
  });

  it('sums groups: our packages, dependencies, modules of Node, native code, what V8 does', () => {
    expect(times(foldProfile(PROFILE, WHOLE).groups)).toEqual({
      'prox http1': 400,
      'prox cmd': 200,
      'prox action': 200,
      'npm @scope/thing': 100,
      'node:internal/stream_base_commons': 200,
      native: 200,
      '(program)': 200,
      '(garbage collector)': 200,
    });
  });

  it('knows what is ours', () => {
    const own = foldProfile(PROFILE, WHOLE).functions.filter((row) => row.own);
    expect(own.map(({ group }) => group).sort()).toEqual(['prox action', 'prox cmd', 'prox http1']);
  });

  it('looks at the window alone, and at the part of a sample that lies in it', () => {
    const { functions, busy } = foldProfile(PROFILE, { ...WHOLE, from: 1200, to: 1550 });
    expect(times(functions)).toEqual({
      'cmd/prox/main.ts main': 100,
      'http1/fields.ts lines': 200,
      'native writeLatin1String': 50,
    });
    expect(busy).toBe(350);
  });

  it('names a function by its place in the bundle where the source map has none', () => {
    const { functions } = foldProfile(PROFILE, { ...WHOLE, locate: () => null });
    expect(functions.map(({ name }) => name)).toContain('prox.mjs lines');
  });
});

describe('collapsed', () => {
  it('writes a line a stack from the outermost frame on, with semicolons between frames alone', () => {
    expect(collapsed(foldProfile(PROFILE, WHOLE).stacks).trimEnd().split('\n')).toEqual([
      '(garbage collector) 200',
      '(program) 200',
      'cmd/prox/main.ts main 200',
      'cmd/prox/main.ts main;action/serve/serve.ts (anonymous, line 41) 200',
      'cmd/prox/main.ts main;http1/fields.ts lines 400',
      'cmd/prox/main.ts main;http1/fields.ts lines;native writeLatin1String 200',
      'node:internal/stream_base_commons onStreamRead 200',
      'node:internal/stream_base_commons onStreamRead;npm @scope/thing/lib/a.js helper,odd 100',
    ]);
  });
});

describe('topList', () => {
  it('gives microseconds a request and percent of busy time, ours apart from the rest', () => {
    const [own, others, groups] = topList(foldProfile(PROFILE, WHOLE), 100, 'request').split('\n\n');
    expect(own.split('\n').slice(0, 2)).toEqual([
      'µs/request  % busy  our functions, self time',
      '      4.00    23.5  http1/fields.ts lines',
    ]);
    expect(own).not.toContain('native');
    expect(others).not.toContain('fields.ts');
    expect(groups.split('\n')[1]).toBe('      8.00    47.1  all of prox');
  });
});
