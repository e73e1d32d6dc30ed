import { describe, expect, it } from 'vitest';

import { compileRouter, type Route } from './router.ts';
import { DEFAULT_PATH_RULES } from '../message/index.ts';

/** `domain path,path METHOD,METHOD`, `-` for what is left out, `any` for a catch-all. */
function routes(...lines: readonly string[]): Route<string>[] {
  return lines.map((value) => {
    if (value === 'any') return { match: null, value };
    const [domain, paths = '-', methods = '-'] = value.split(' ');
    return {
      match: {
        domain: domain === '-' ? null : domain,
        paths: paths === '-' ? [] : paths.split(','),
        methods: methods === '-' ? [] : methods.split(','),
      },
      value,
    };
  });
}

describe('match', () => {
  const cases: readonly (readonly [title: string, config: readonly string[], request: string, value: string | null])[] =
    [
      ['gives null without routes', [], 'GET a.com /', null],
      ['finds a domain', ['a.com', 'b.com'], 'GET b.com /x', 'b.com'],
      ['gives null for an unknown domain', ['a.com'], 'GET b.com /', null],
      ['ends at a catch-all', ['a.com', 'any'], 'GET b.com /', 'any'],
      ['lets a catch-all hide what follows', ['any', 'a.com'], 'GET a.com /', 'any'],
      ['lets a wildcard before an exact domain win', ['*.a.com', 'x.a.com'], 'GET x.a.com /', '*.a.com'],
      ['lets an exact domain before a wildcard win', ['x.a.com', '*.a.com'], 'GET x.a.com /', 'x.a.com'],
      ['goes on behind a domain whose path fails', ['x.a.com /a', '*.a.com'], 'GET x.a.com /b', '*.a.com'],
      ['lets an open wildcard before a closed one win', ['x.**', '*.a.com'], 'GET x.a.com /', 'x.**'],
      ['lets a closed wildcard before an open one win', ['*.a.com', 'x.**'], 'GET x.a.com /', '*.a.com'],
      ['lets a path alone before a domain win', ['- /a', 'a.com'], 'GET a.com /a', '- /a'],
      ['finds a domain when the path alone fails', ['- /a', 'a.com'], 'GET a.com /b', 'a.com'],
      ['lets a longer prefix wait its turn', ['a.com /a/*', 'a.com /a/b/*'], 'GET a.com /a/b/c', 'a.com /a/*'],
      ['finds a longer prefix first in the config', ['a.com /a/b/*', 'a.com /a/*'], 'GET a.com /a/b/c', 'a.com /a/b/*'],
      ['takes an exact path in the order of the config', ['a.com /a/*', 'a.com /a/b'], 'GET a.com /a/b', 'a.com /a/*'],
      ['does not match a prefix without its slash', ['a.com /api/*'], 'GET a.com /api', null],
      ['matches a prefix with nothing below', ['a.com /api/*'], 'GET a.com /api/', 'a.com /api/*'],
      ['takes any alternative', ['a.com /a,/b/*'], 'GET a.com /b/c', 'a.com /a,/b/*'],
      ['matches everything below /*', ['a.com /*'], 'GET a.com /x/y', 'a.com /*'],
      ['merges the slashes of a pattern', ['a.com //a//*'], 'GET a.com /a/b', 'a.com //a//*'],
      ['takes an encoded slash of a pattern for one', ['a.com /a%2Fb'], 'GET a.com /a/b', 'a.com /a%2Fb'],
      ['does not take the asterisk-form for a path', ['a.com /*'], 'OPTIONS a.com *', null],
      ['takes the asterisk-form without paths', ['a.com'], 'OPTIONS a.com *', 'a.com'],
      ['normalises patterns as requests are', ['a.com /%7eu/%c3%a9'], 'GET a.com /~u/%C3%A9', 'a.com /%7eu/%c3%a9'],
      ['checks methods', ['a.com - POST', 'a.com'], 'GET a.com /', 'a.com'],
      ['finds a method of several', ['a.com - POST,PUT', 'a.com'], 'PUT a.com /', 'a.com - POST,PUT'],
      ['tells the case of methods', ['a.com - POST'], 'post a.com /', null],
      ['lets a route for all methods hide a later one', ['a.com', 'a.com - POST'], 'POST a.com /', 'a.com'],
      ['matches labels by prefix', ['b-*.a.com', 'c-*.a.com'], 'GET c-1.a.com /', 'c-*.a.com'],
      ['matches labels by suffix', ['*-b.a.com', '*-c.a.com'], 'GET 1-c.a.com /', '*-c.a.com'],
      ['keeps the order of label globs', ['*-y.a.com', 'x-*.a.com'], 'GET x-y.a.com /', '*-y.a.com'],
      ['matches no wildcard for an empty label', ['*.a.com'], 'GET .a.com /', null],
      ['matches a route without a domain for an empty host', ['a.com', '- /a'], 'GET  /a', '- /a'],
      ['matches an upper-case pattern', ['X.A.com'], 'GET x.a.com /', 'X.A.com'],
      ['matches an IPv4 host', ['127.0.0.1'], 'GET 127.0.0.1 /', '127.0.0.1'],
    ];
  it.each(cases)('%s', (_title, config, request, value) => {
    const [method, host, path] = request.split(' ');
    expect(compileRouter(routes(...config)).match(host, path, method)).toBe(value);
  });

  it('tells an empty segment from none where slashes are not merged', () => {
    const router = compileRouter(routes('a.com //a/*', 'a.com /a/*'), { ...DEFAULT_PATH_RULES, mergeSlashes: false });
    expect(router.match('a.com', '//a/b', 'GET')).toBe('a.com //a/*');
    expect(router.match('a.com', '/a/b', 'GET')).toBe('a.com /a/*');
    expect(router.match('a.com', '//b', 'GET')).toBeNull();
  });

  it('gives a value that is falsy', () => {
    expect(compileRouter([{ match: null, value: 0 }]).match('a.com', '/', 'GET')).toBe(0);
  });

  it('matches a host longer than any DNS name by routes without a domain only', () => {
    const router = compileRouter(routes('a.**', 'any'));
    expect(router.match(`a.${'b.'.repeat(126)}c`, '/', 'GET')).toBe('a.**');
    expect(router.match(`a.${'b.'.repeat(4000)}c`, '/', 'GET')).toBe('any');
  });

  it('refuses a pattern that validation would refuse', () => {
    expect(() => compileRouter(routes('a*b*.com'))).toThrow(expect.objectContaining({ code: 'internal' }));
    expect(() => compileRouter(routes('a.com /%zz'))).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

describe('matchHost', () => {
  const cases: readonly (readonly [
    title: string,
    config: string[],
    host: string,
    value: string | null,
    decided: boolean,
  ])[] = [
    ['finds the first domain', ['b.com', '*.a.com', 'x.a.com'], 'x.a.com', '*.a.com', true],
    ['stops at a route with a path, undecided', ['a.com /x', 'a.com'], 'a.com', 'a.com /x', false],
    ['stops at a route with methods, undecided', ['a.com - GET', 'a.com'], 'a.com', 'a.com - GET', false],
    ['stops at a route without a domain', ['- /x', 'a.com'], 'a.com', '- /x', false],
    ['stops at a catch-all', ['any', 'a.com'], 'a.com', 'any', true],
    ['finds a catch-all without SNI', ['a.com', 'any'], '', 'any', true],
    ['finds nothing', ['a.com'], 'b.com', null, false],
  ];
  it.each(cases)('%s', (_title, config, host, value, decided) => {
    const match = compileRouter(routes(...config)).matchHost(host);
    expect(match).toEqual(value === null ? null : { value, decided });
  });

  it('asks for the domain again after a match by path', () => {
    const router = compileRouter(routes('a.com /x', 'a.com'));
    expect(router.match('a.com', '/y', 'GET')).toBe('a.com');
    expect(router.matchHost('a.com')?.value).toBe('a.com /x');
  });
});

describe('scale', () => {
  it('finds every one of 10,000 routes, whatever they differ in', () => {
    const numbers = Array.from({ length: 10_000 }, (_, i) => i);
    const shapes: readonly ((i: number) => readonly [line: string, host: string, path: string])[] = [
      (i) => [`h${i}.example.com`, `h${i}.example.com`, '/'],
      (i) => [`*.h${i}.com`, `x.h${i}.com`, '/'],
      (i) => [`h${i}-*.com`, `h${i}-x.com`, '/'],
      (i) => [`h${i}.**`, `h${i}.example.com`, '/'],
      (i) => [`a.com /p${i}`, 'a.com', `/p${i}`],
      (i) => [`a.com /p${i}/*`, 'a.com', `/p${i}/x`],
    ];
    const missed: string[] = [];
    for (const shape of shapes) {
      const router = compileRouter(routes(...numbers.map((i) => shape(i)[0])));
      for (const i of numbers) {
        const [line, host, path] = shape(i);
        if (router.match(host, path, 'GET') !== line) missed.push(line);
      }
    }
    expect(missed).toEqual([]);
  });
});
