import { join, resolve } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { normalizePath } from '../message/index.ts';
import { mapPath } from './serve-path.ts';

const MAPPED: readonly [path: string, relative: string, folder: boolean][] = [
  ['', '', true],
  ['a.css', 'a.css', false],
  ['a/b/c.txt', 'a/b/c.txt', false],
  ['a/b/', 'a/b', true],
  ['a%20b', 'a b', false],
  ['gr%C3%BCn.txt', 'grün.txt', false],
  ['%E2%82%AC', '€', false],
  ['100%25', '100%', false],
  // Decoded once: these are names with a percent sign in them.
  ['%252e%252e/x', '%2e%2e/x', false],
  ['%25c0%25ae', '%c0%ae', false],
  ['a..b', 'a..b', false],
  ['a...', 'a...', false],
  ['~', '~', false],
  ['.well-known/security.txt', '.well-known/security.txt', false],
  ['.well-known/', '.well-known', true],
];

const NOT_MAPPED: readonly [why: string, paths: readonly string[]][] = [
  ['empty segments', ['/', '/a', '//a', 'a//b///c', 'a//', '/.well-known/']],
  ['dot segments', ['..', '.', '/..', 'a/..', 'a/../b', './a', '../etc/passwd', 'a/./b', '../']],
  ['encoded dot segments', ['%2e%2e', '%2E%2e/etc/passwd', '.%2e', '%2e', 'a/%2e%2e/%2e%2e/b']],
  ['overlong UTF-8', ['%c0%ae%c0%ae/x', '%e0%80%ae', '%c0%af', '%f0%80%80%ae']],
  ['what is no UTF-8', ['%ff', '%80', '%c3', '%ed%a0%80']],
  ['encoded slashes', ['%2f', 'a%2Fb', '..%2f..%2fetc', '%2e%2e%2fetc']],
  ['backslashes', ['\\', 'a\\b', '..\\..\\x', '%5c', '..%5c..%5cx', '%5C%2e%2e']],
  ['NUL and control characters', ['%00', 'a.html%00.png', '\0', 'a\nb', '%0a', '%7f', 'a\x7f']],
  ['what is not encoded as it should be', ['a b', 'grün', '%', '%2', '%zz', 'a%']],
  [
    'hidden names',
    ['.git', '.git/config', 'a/.env', '.htpasswd', '.well-known2', 'a/.well-known/x', '.well-known/.x', '..data'],
  ],
  ['encoded hidden names', ['%2egit', '%2Egit/config', 'a/%2eenv']],
];

describe('mapPath', () => {
  it.each(MAPPED)('%j leads to %j', (path, relative, folder) => {
    expect(mapPath(path)).toEqual({ relative, folder });
  });

  it.each(NOT_MAPPED)('does not map %s', (_why, paths) => {
    for (const path of paths) expect([path, mapPath(path)]).toEqual([path, null]);
  });

  const piece = fc.oneof(
    fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      '%2e',
      '%2E%2e',
      '%2f',
      '%5c',
      '\\',
      '%00',
      '%',
      '%25',
      '%c0%ae',
      'a',
      '.git',
      '~',
      ':',
      '*',
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.nat(255).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
  );
  const anyPath = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

  it('never leads out of the root, nor to a hidden name, whatever the path is', () => {
    const root = '/srv/www';
    let mappedOnes = 0;
    fc.assert(
      fc.property(anyPath, fc.boolean(), (text, normalized) => {
        const path = normalized ? (normalizePath(`/${text}`)?.slice(1) ?? text) : text;
        const mapped = mapPath(path);
        if (mapped === null) return;
        mappedOnes++;
        const { relative } = mapped;
        // What the file system makes of it is what it says, and lies below the root.
        expect(resolve(root, relative)).toBe(relative === '' ? root : `${root}/${relative}`);
        expect(join(root, relative, 'x').startsWith(`${root}/`)).toBe(true);
        expect(relative).not.toMatch(/[\x00\\]/);
        expect(relative.replace(/^\.well-known(?=\/|$)/, '')).not.toMatch(/(^|\/)\./);
      }),
      { numRuns: 20_000 },
    );
    expect(mappedOnes).toBeGreaterThan(1000);
  });

  it('finds every file by its encoded name', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !/^\.|[/\\\x00-\x1f\x7f]/.test(text));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        const path = normalizePath(`/${names.map(encodeURIComponent).join('/')}`) as string;
        expect(mapPath(path.slice(1))).toEqual({ relative: names.join('/'), folder: false });
      }),
      { numRuns: 10_000 },
    );
  });
});
