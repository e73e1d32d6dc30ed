import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { StagedBody } from '../../exchange/testing/staged-body.ts';
import { Fields } from '../../message/index.ts';
import { WINDOW_BYTES } from './pattern-replacer.ts';
import { compileRule, parseRule } from './rule.ts';
import { SubstitutionStage } from './substitution-stage.ts';

/** A body behind rules; `pieces` are given one after another, with a flush behind each. */
function through(rules: readonly string[], pieces: readonly Buffer[]): Buffer {
  const makers = rules.map((rule) => compileRule(parseRule(rule)));
  const body = new StagedBody(new SubstitutionStage(makers.map((make) => make())));
  for (const piece of pieces.slice(0, -1)) body.give(piece);
  body.giveLast(pieces.at(-1));
  expect(body.violations).toEqual([]);
  return body.received;
}

const CASES: readonly [rules: readonly string[], body: string, expected: string][] = [
  [[`sub_filter 'a' 'b'`], 'banana', 'bbnana'],
  [[`sub_filter 'a' 'b' g`], 'banana', 'bbnbnb'],
  [[`sub_filter 'an' '' g`], 'banana', 'ba'],
  [[`sub_filter 'aa' 'b' g`], 'aaaaa', 'bba'],
  [[`sub_filter 'aab' 'X' g`], 'aaaabaab', 'aaXX'],
  [[`sub_filter 'abab' 'X' g`], 'abaababababab', 'abaXXab'],
  [[`sub_filter 'A' 'x' gi`], 'aAbBÀ', 'xxbBÀ'],
  [[`sub_filter 'ÄB' 'x' gi`], 'Äb äb', 'x äb'],
  [[`sub_filter 'é' 'e' g`], 'école été', 'ecole ete'],
  [[`sub_filter 'a' 'b' g`, `sub_filter 'bb' 'c' g`], 'aab', 'cb'],
  [[`sub_filter 'it\\'s' '\\'tis' g`], `it's`, `'tis`],
  [[`sub_filter 'a\\b' 'x' g`], 'a\\b', 'x'],
  [
    [`sub_filter '</head>' '<script src="/x.js"></script></head>'`],
    '<head></head>',
    '<head><script src="/x.js"></script></head>',
  ],
  [[`subs_filter 'b+' '' g`], 'abbabb', 'aa'],
  [[`subs_filter 'b+' 'x'`], 'abbabb', 'axabb'],
  [[`subs_filter 'B' 'x' gi`], 'abB', 'axx'],
  [[`subs_filter '(a)(b)?' '[$1$2]' g`], 'aba', '[ab][a]'],
  [[`subs_filter '(?P<x>a)b' '\${x}$0$$1\${1}' g`], 'ab', 'aab$1a'],
  [[`subs_filter '^a' 'x' g`], 'aaa', 'xaa'],
  [[`subs_filter '(?m)^a' 'x' g`], 'aa\nab', 'xa\nxb'],
  [[`subs_filter 'a$' 'x' g`], 'aaa', 'aax'],
  [[`subs_filter '\\bab\\b' 'x' g`], 'ab cab ab', 'x cab x'],
  [[`subs_filter 'a*' 'x' g`], 'baac', 'bxc'],
  [[`subs_filter 'a.c' 'x' g`], 'aéc abc', 'x x'],
  [[`subs_filter 'a|ab' 'x' g`], 'abab', 'xbxb'],
  [[`subs_filter 'ab|a' 'x' g`], 'abaab', 'xxx'],
  [[`subs_filter 'http://backend(:\\d+)?/' '/' g`], 'http://backend:8080/a http://backend/b', '/a /b'],
  [[`subs_filter '<!--.*?-->' '' g`], 'a<!-- b -->c<!-- d', 'ac<!-- d'],
  [[`subs_filter 'a{2,3}' 'x' g`, `sub_filter 'xx' 'y'`], 'aaaaaa', 'y'],
];

describe('rules', () => {
  it.each(CASES)('%j, on %j, wherever it was cut, give %j', (rules, text, expected) => {
    const body = Buffer.from(text);
    expect(String(through(rules, [body]))).toBe(expected);
    for (let first = 0; first <= body.length; first++) {
      for (let second = first; second <= body.length; second++) {
        const pieces = [body.subarray(0, first), body.subarray(first, second), body.subarray(second)];
        expect(String(through(rules, pieces)), `cut at ${first} and ${second}`).toBe(expected);
      }
    }
    const bytes = [...body].map((byte) => Buffer.from([byte]));
    expect(String(through(rules, bytes.length === 0 ? [body] : bytes))).toBe(expected);
  });

  it('leave bytes that are no text as they are', () => {
    const all = Buffer.from(Array.from({ length: 1024 }, (_, i) => (i * 7) & 0xff));
    for (const rule of [
      `sub_filter 'zzz' '' g`,
      `sub_filter 'ZZZ' '' gi`,
      `subs_filter 'z.z' '' g`,
      `subs_filter 'z.*z' '' g`,
    ]) {
      expect(through([rule], [all.subarray(0, 300), all.subarray(300)]).equals(all)).toBe(true);
    }
  });
});

/** A body of few letters, so that matches are frequent, and places to cut it. */
const BODIES = fc.tuple(
  fc.string({ unit: fc.constantFrom('a', 'b', 'A', '<', 'é'), maxLength: 40 }),
  fc.array(fc.nat(80)),
);

function piecesOf(text: string, cuts: readonly number[]): Buffer[] {
  const body = Buffer.from(text);
  const edges = [0, ...cuts.map((cut) => Math.min(cut, body.length)).toSorted((a, b) => a - b), body.length];
  return edges.slice(1).map((edge, i) => body.subarray(edges[i], edge));
}

describe('for any cuts', () => {
  it('a literal rule gives what replaceAll or replace give', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'é'), minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(BODIES, texts, fc.boolean(), fc.boolean(), ([body, cuts], find, global, ignoreCase) => {
        const flags = (global ? 'g' : '') + (ignoreCase ? 'i' : '');
        const model = body.replace(new RegExp(find, flags), () => '-');
        const got = through([`sub_filter '${find}' '-' ${flags}`], piecesOf(body, cuts));
        expect(String(got)).toBe(model);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['ab', 'a{1,3}b', '[^<]b', 'a(b|A)?', '\\ba', 'a\\b', 'a+', 'a[^<]*<', 'é+a', '<[^<]+<', '(a|b)+A'])(
    'the rule %s gives what replace gives',
    (pattern) => {
      fc.assert(
        fc.property(BODIES, fc.boolean(), ([body, cuts], global) => {
          const model = body.replace(new RegExp(pattern, global ? 'gu' : 'u'), (match) => `[${match}]`);
          const got = through([`subs_filter '${pattern}' '[$0]' ${global ? 'g' : ''}`], piecesOf(body, cuts));
          expect(String(got)).toBe(model);
        }),
        { numRuns: 300 },
      );
    },
  );
});

describe('a large body', () => {
  const line = 'some text <b>bold</b>, é and http://backend:8080/path then more\n';
  const body = Buffer.from(line.repeat(Math.ceil(300_000 / line.length)));

  it.each([
    [`subs_filter 'http://backend(:\\d+)?/' '/' g`, /http:\/\/backend(:\d+)?\//gu],
    [`subs_filter '<b>[^<]*</b>' '/' g`, /<b>[^<]*<\/b>/gu],
    [`subs_filter 'é.and' '/' g`, /é.and/gu],
    [`subs_filter '(?s)and.*?then' '/' g`, /and.*?then/gsu],
    [`subs_filter '(?m)^some' '/' g`, /^some/gmu],
    [`sub_filter 'http://backend:8080/' '/' g`, /http:\/\/backend:8080\//gu],
  ])('has what %s matches replaced, wherever it was cut', (rule, model) => {
    const expected = String(body).replace(model, '/');
    for (const size of [body.length, 65_536, 32_768, 4_097, 997]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < body.length; at += size) pieces.push(body.subarray(at, at + size));
      expect(String(through([rule], pieces)) === expected, `in pieces of ${size}`).toBe(true);
    }
  });

  it('has the same replaced however it was cut, when matches are longer than the window', () => {
    const long = Buffer.from(`<${'a'.repeat(WINDOW_BYTES)}>`.repeat(4));
    const whole = through([`subs_filter '<[^>]*>' '' g`], [long]);
    for (const size of [1000, 32_768, 65_536]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < long.length; at += size) pieces.push(long.subarray(at, at + size));
      expect(through([`subs_filter '<[^>]*>' '' g`], pieces).equals(whole)).toBe(true);
    }
  });

  it('is searched in linear time', () => {
    const evil = Buffer.alloc(400_000, 'a');
    const started = performance.now();
    through([`subs_filter '(a+)+b' '' g`, `subs_filter 'a*a*a*c' '' g`], [evil]);
    // A backtracking engine would take longer than the universe exists.
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('a slow body', () => {
  it('comes out as far as it cannot be changed any more', () => {
    const literal = new StagedBody(new SubstitutionStage([compileRule(parseRule(`sub_filter 'abc' 'x' g`))()]));
    literal.give('1ab');
    expect(String(literal.received)).toBe('1');
    literal.give('d2');
    expect(String(literal.received)).toBe('1abd2');
    const short = new StagedBody(new SubstitutionStage([compileRule(parseRule(`subs_filter 'a[bc]' 'x' g`))()]));
    short.give('0123456789abcdef0123456789');
    expect(String(short.received)).toBe('0123456789xcdef0');
  });

  it('has its trailers at the end, but for digests', () => {
    const body = new StagedBody(new SubstitutionStage([compileRule(parseRule(`sub_filter 'abc' 'x' g`))()]));
    body.giveLast(
      'zab',
      Fields.of([
        ['Digest', 'sha-256=x'],
        ['X-A', 'b'],
      ]),
    );
    expect([String(body.received), body.trailers]).toEqual(['zab', 'X-A: b\r\n']);
  });
});
