import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { normalizePath } from './index.ts';

describe('normalizePath', () => {
  const cases: readonly (readonly [title: string, path: string, normal: string | null])[] = [
    ['leaves a normal path', '/a/b.c/~d-e_f', '/a/b.c/~d-e_f'],
    ['makes the empty path a slash', '', '/'],
    ['leaves the asterisk-form', '*', '*'],
    ['refuses a path without a leading slash', 'a/b', null],
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
    ['upper-cases other encodings', '/a%2fb%c3%a9', '/a%2Fb%C3%A9'],
    ['keeps an encoded slash from ending a segment', '/a/..%2f..%2Fb', '/a/..%2F..%2Fb'],
    ['decodes once only', '/%252e%252e/a', '/%252e%252e/a'],
    ['keeps reserved characters encoded', '/%3f%23%25', '/%3F%23%25'],
    ['keeps reserved characters plain', "/a;b=c,d@e:f!$&'()*+", "/a;b=c,d@e:f!$&'()*+"],
    ['keeps NUL encoded', '/a%00b', '/a%00b'],
    ['keeps empty segments', '//a///b', '//a///b'],
    ['lets a double dot take back an empty segment', '/a//../b', '/a/b'],
    ['takes a backslash for no separator', '/a\\..\\b', '/a%5C..%5Cb'],
    ['encodes what may not stand in a path', '/a|b c"<>^`{}?#\t', '/a%7Cb%20c%22%3C%3E%5E%60%7B%7D%3F%23%09'],
    ['encodes bytes beyond ASCII', '/caf\u00c3\u00a9', '/caf%C3%A9'],
    ['refuses a character that is no byte', '/\u20ac', null],
    ['refuses a cut encoding', '/a%4', null],
    ['refuses a bare percent', '/a%', null],
    ['refuses what is not hex', '/a%zz', null],
    ['refuses one digit that is not hex', '/a%4g', null],
    ['builds no encoding out of decoded digits', '/%%34%31', null],
  ];
  it.each(cases)('%s: %j', (_title, path, normal) => {
    expect(normalizePath(path)).toBe(normal);
  });

  const piece = fc.constantFrom(
    '|',
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%61',
    'a',
    '%C3',
    '%00',
    '\\',
    '%',
    '%4',
    '\u00e9',
  );
  const anyPath = fc.array(piece, { maxLength: 16 }).map((pieces) => `/${pieces.join('')}`);

  it('is idempotent, leaves no dot segment and no lower-case or needless encoding', () => {
    const check = (path: string): void => {
      const normal = normalizePath(path);
      if (normal === null) return;
      expect(normalizePath(normal)).toBe(normal);
      expect(normal).toMatch(/^[\w.~!$&'()*+,;=:@/%-]+$/);
      expect(normal).toMatch(/^(\/|\*$)/);
      expect(normal.split('/').filter((segment) => segment === '.' || segment === '..')).toEqual([]);
      expect(normal).not.toMatch(/%(?![0-9A-F]{2})|%2[DE]|%3[0-9]|%[46][1-9A-F]|%[57][0-9A]|%5F|%7E/);
    };
    fc.assert(fc.property(fc.oneof(anyPath, fc.string()), check), { numRuns: 10_000 });
  });

  it('resolves dot segments as the URL standard does', () => {
    const segment = fc.constantFrom('', '.', '..', 'a', 'b.c', '...');
    const check = (segments: string[]): void => {
      const path = `/${segments.join('/')}`;
      expect(normalizePath(path)).toBe(new URL(`http://h${path}`).pathname);
    };
    fc.assert(fc.property(fc.array(segment, { maxLength: 8 }), check), { numRuns: 10_000 });
  });
});
