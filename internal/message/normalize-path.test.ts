import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { DEFAULT_PATH_RULES, isNormalPath, normalizePath, pathForms, type PathRules } from './normalize-path.ts';

const UNMERGED: PathRules = { ...DEFAULT_PATH_RULES, mergeSlashes: false };
const REFUSING: PathRules = { ...DEFAULT_PATH_RULES, encodedSlashes: 'refuse' };

/** Both forms where they differ, one where they do not, or the fault. */
function formsOf(path: string, rules = DEFAULT_PATH_RULES): string | readonly [match: string, forward: string] {
  const forms = pathForms(path, rules);
  if (typeof forms === 'string') return forms;
  return forms.match === forms.forward ? forms.match : [forms.match, forms.forward];
}

type Case = readonly [title: string, path: string, forms: string | readonly [match: string, forward: string]];

describe('pathForms', () => {
  const cases: readonly Case[] = [
    ['leaves a normal path', '/a/b.c/~d-e_f', '/a/b.c/~d-e_f'],
    ['makes the empty path a slash', '', '/'],
    ['leaves the asterisk-form', '*', '*'],
    ['refuses a path without a leading slash', 'a/b', 'malformed'],
    ['removes a dot segment', '/a/./b', '/a/b'],
    ['resolves a double dot', '/a/b/../c', '/a/c'],
    ['follows the example of RFC 3986 §5.2.4', '/a/b/c/./../../g', '/a/g'],
    ['keeps the slash before a last dot', '/a/b/.', '/a/b/'],
    ['keeps the slash before a last double dot', '/a/b/..', '/a/'],
    ['never climbs above the root', '/../../a', '/a'],
    ['ends at the root', '/a/../..', '/'],
    ['takes %2e%2e for ..', '/public/%2e%2e/admin', '/admin'],
    ['takes .%2E for ..', '/public/.%2E/admin', '/admin'],
    ['takes %2e for .', '/a/%2e/b', '/a/b'],
    ['leaves names that begin with dots', '/.well-known/..a/...', '/.well-known/..a/...'],
    ['decodes unreserved characters', '/%61dmin/%7euser/%2D%5f%30', '/admin/~user/-_0'],
    ['upper-cases other encodings', '/a%20%c3%a9', '/a%20%C3%A9'],
    ['decodes once only', '/%252e%252e/a%252fb', '/%252e%252e/a%252fb'],
    ['keeps what is no path character encoded', '/%3f%23%25', '/%3F%23%25'],
    ['takes a reserved character and its encoding for one', '/%40%3b%2c', ['/@;,', '/%40%3B%2C']],
    ['keeps reserved characters plain', "/a;b=c,d@e:f!$&'()*+", "/a;b=c,d@e:f!$&'()*+"],
    ['keeps NUL encoded', '/a%00b', '/a%00b'],
    ['encodes what may not stand in a path', '/a|b c"<>^`{}?#\t', '/a%7Cb%20c%22%3C%3E%5E%60%7B%7D%3F%23%09'],
    ['encodes bytes beyond ASCII', '/caf\u00c3\u00a9', '/caf%C3%A9'],
    ['refuses a character that is no byte', '/\u20ac', 'malformed'],
    ['refuses a cut encoding', '/a%4', 'malformed'],
    ['refuses a bare percent', '/a%', 'malformed'],
    ['refuses what is not hex', '/a%zz', 'malformed'],
    ['refuses one digit that is not hex', '/a%4g', 'malformed'],
    ['builds no encoding out of decoded digits', '/%%34%31', 'malformed'],

    ['merges empty segments to match', '//a///b', ['/a/b', '//a///b']],
    ['merges at the end', '/a//', ['/a/', '/a//']],
    ['merges behind a dot segment', '/.//a', ['/a', '//a']],
    ['merges behind what a double dot has removed', '/x/..//a', ['/a', '//a']],
    ['lets a double dot take what empty segments stand behind', '/a//../b', '/b'],
    ['lets a double dot take no more than one name', '/a/b////../c', '/a/c'],
    ['keeps nothing of empty segments at the root', '//../b', '/b'],

    ['matches an encoded slash as one', '/@scope%2fname', ['/@scope/name', '/@scope%2Fname']],
    ['matches encoded and plain backslashes as slashes', '/a%5cb\\c', ['/a/b/c', '/a%5Cb%5Cc']],
    ['merges encoded slashes', '/a%2F/%2F%5Cb', ['/a/b', '/a%2F/%2F%5Cb']],
    ['takes an encoded slash for one at the end', '/a%2F', ['/a/', '/a%2F']],
    ['refuses a double dot before an encoded slash', '/x/..%2fadmin', 'dots'],
    ['refuses a double dot behind one', '/x%2f../admin', 'dots'],
    ['refuses a dot beside one', '/.%2Fadmin', 'dots'],
    ['refuses a double dot beside a backslash', '/a\\..\\b', 'dots'],
    ['refuses a double dot at the end behind one', '/a%5C..', 'dots'],
    ['refuses a double dot that would remove one', '/a%2Fb/../c', 'dots'],
    ['refuses a double dot that would remove one with an empty segment', '/a%2F/../c', 'dots'],
    ['lets dots be elsewhere', '/a%2Fb/c/.././d', ['/a/b/d', '/a%2Fb/d']],
    ['lets names with dots be there', '/..a%2F.b', ['/..a/.b', '/..a%2F.b']],
  ];
  it.each(cases)('%s: %j', (_title, path, forms) => {
    expect(formsOf(path)).toEqual(forms);
  });

  const unmerged: readonly Case[] = [
    ['keeps empty segments', '//a///b/', '//a///b/'],
    ['keeps those of encoded slashes', '/a%2F/b', ['/a//b', '/a%2F/b']],
    ['lets a double dot take back an empty segment', '/a//../b', '/a/b'],
    ['refuses a double dot that would remove an encoded slash', '/a%2F/../b', 'dots'],
  ];
  it.each(unmerged)('without merging %s: %j', (_title, path, forms) => {
    expect(formsOf(path, UNMERGED)).toEqual(forms);
  });

  const refusing: readonly Case[] = [
    ['slash', '/a%2fb', 'separator'],
    ['backslash', '/a%5Cb', 'separator'],
    ['plain backslash', '/a\\b', 'separator'],
    ['nothing else', '/a%252Fb//c', ['/a%252Fb/c', '/a%252Fb//c']],
  ];
  it.each(refusing)('refuses, if told to, an encoded %s: %j', (_title, path, forms) => {
    expect(formsOf(path, REFUSING)).toEqual(forms);
  });
});

/** What upstreams do to a path, one step each. */
const STEPS = {
  merge: (path: string) => path.replace(/\/{2,}/g, '/'),
  decode: (path: string) =>
    path.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  backslashes: (path: string) => path.replaceAll('\\', '/'),
  dots: (path: string) => {
    const kept: string[] = [];
    const segments = path.split('/').slice(1);
    for (const [i, segment] of segments.entries()) {
      const dot = segment === '.' || segment === '..';
      if (segment === '..') kept.pop();
      if (!dot) kept.push(segment);
      else if (i === segments.length - 1) kept.push('');
    }
    return `/${kept.join('/')}`;
  },
};
type Step = keyof typeof STEPS;

/** Every order of every choice of the steps. */
function ordersOf(steps: readonly Step[]): Step[][] {
  return [
    [],
    ...steps.flatMap((step) => ordersOf(steps.filter((other) => other !== step)).map((rest) => [step, ...rest])),
  ];
}

/** What is left to do of some steps, and nothing of the dot segments: there must not be any by then. */
function rest(path: string, done: readonly Step[], all: readonly Step[]): string {
  return all
    .filter((step) => step !== 'dots' && (step !== 'decode' || !done.includes('decode')))
    .reduce((text, step) => STEPS[step](text), path);
}

describe('the forms of any path', () => {
  const SLASHES = '/ / / // %2f %2F %5c \\ %252f';
  const DOTS = '. .. ../ ./ %2e %2E%2e ..; %25';
  const OTHERS = 'a b admin %61 %40 @ | %00 % %4 \u00e9 %C3 ; * ?';
  const piece = fc.constantFrom(...`${SLASHES} ${DOTS} ${OTHERS}`.split(' '));
  const anyPath = fc.oneof(
    { weight: 9, arbitrary: fc.array(piece, { maxLength: 16 }).map((pieces) => `/${pieces.join('')}`) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary-ascii' }).map((text) => `/${text}`) },
  );
  const RUNS = { numRuns: 12_000 };

  it.each([
    ['merges', DEFAULT_PATH_RULES, ['decode', 'backslashes', 'merge', 'dots']],
    ['does not merge, as its config says', UNMERGED, ['decode', 'backslashes', 'dots']],
  ] as const)('come to the match form in an upstream that %s, decodes and resolves in any order', (_, rules, steps) => {
    const orders = ordersOf(steps);
    let accepted = 0;
    const check = (path: string): void => {
      const forms = pathForms(path, rules);
      if (typeof forms === 'string') return;
      accepted++;
      const expected = STEPS.decode(forms.match);
      for (const order of orders) {
        const taken = order.reduce((text, step) => STEPS[step](text), forms.forward);
        const landed = rest(taken, order, steps);
        if (landed !== expected) expect.fail(`${path} as ${forms.forward} by ${order.join()}: ${landed}`);
      }
    };
    fc.assert(fc.property(anyPath, check), RUNS);
    // A generator of nothing but refusals would prove nothing.
    expect(accepted).toBeGreaterThan(RUNS.numRuns / 5);
  });

  it('are normal themselves, and match alike', () => {
    const check = (path: string, merge: boolean): void => {
      const rules = merge ? DEFAULT_PATH_RULES : UNMERGED;
      const forms = pathForms(path, rules);
      if (typeof forms === 'string') return;
      const { match, forward } = forms;
      expect(pathForms(forward, rules)).toEqual(forms);
      expect(pathForms(match, rules)).toEqual({ match, forward: match });
      expect(isNormalPath(path)).toBe(isNormalPath(path) && match === path && forward === path);
      for (const form of [match, forward]) {
        expect(form).toMatch(/^\/[\w.~!$&'()*+,;=:@/%-]*$/);
        expect(form.split('/').filter((segment) => segment === '.' || segment === '..')).toEqual([]);
        expect(form).not.toMatch(/%(?![0-9A-F]{2})|%2[DE]|%3[0-9]|%[46][1-9A-F]|%[57][0-9A]|%5F|%7E/);
      }
      expect(match).not.toMatch(merge ? /%2F|%5C|\/\// : /%2F|%5C/);
    };
    fc.assert(fc.property(anyPath, fc.boolean(), check), RUNS);
  });

  it('resolve dot segments as the URL standard does, where no segment is empty', () => {
    const segment = fc.constantFrom('.', '..', 'a', 'b.c', '...');
    const check = (segments: string[]): void => {
      const path = `/${segments.join('/')}`;
      expect(normalizePath(path)).toBe(new URL(`http://h${path}`).pathname);
    };
    fc.assert(fc.property(fc.array(segment, { maxLength: 8 }), check), { numRuns: 10_000 });
  });

  it('resolve dot segments as the URL standard does, where slashes are not merged', () => {
    const segment = fc.constantFrom('', '.', '..', 'a', 'b.c', '...');
    const check = (segments: string[]): void => {
      const path = `/${segments.join('/')}`;
      expect(normalizePath(path, UNMERGED)).toBe(new URL(`http://h${path}`).pathname);
    };
    fc.assert(fc.property(fc.array(segment, { maxLength: 8 }), check), { numRuns: 10_000 });
  });
});
