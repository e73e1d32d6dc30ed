import { describe, expect, it } from 'vitest';

import { compilePath } from './path-pattern.ts';

describe('compilePath', () => {
  const cases: readonly (readonly [patterns: string[], path: string, pattern: string | null, rest: string])[] = [
    [['/health'], '/health', '/health', ''],
    [['/health'], '/health/', null, ''],
    [['/api/*'], '/api/v1/users', '/api/*', 'v1/users'],
    [['/api/*'], '/api/', '/api/*', ''],
    [['/api/*'], '/api', null, ''],
    [['/api/*'], '/apix/a', null, ''],
    [['/*'], '/a/b', '/*', 'a/b'],
    [['/*'], '*', null, ''],
    [['/a', '/b/*'], '/b/c', '/b/*', 'c'],
    [['/b/*', '/b/c/*'], '/b/c/d', '/b/*', 'c/d'],
    [['/caf\u00e9/*'], '/caf%C3%A9/a', '/caf\u00e9/*', 'a'],
    [['/%7euser/%2f*'], '/~user/*', '/%7euser/%2f*', ''],
    [['//api//*'], '/api/a', '//api//*', 'a'],
    [['/a%5Cb/%40*'], '/a/b/@*', '/a%5Cb/%40*', ''],
    [[], '/a/b', '', 'a/b'],
    [[], '*', '', '*'],
  ];
  it.each(cases)('%j and %j: %j, rest %j', (patterns, path, pattern, rest) => {
    const match = compilePath(patterns).match(path);
    expect(match === null ? null : { pattern: match.pattern, rest: match.rest }).toEqual(
      pattern === null ? null : { pattern, rest },
    );
    if (match !== null && path.startsWith('/') && pattern !== '') expect(match.fixed + match.rest).toBe(path);
  });

  it.each(['', 'api/*', '/%zz', '/a%4/*', '/a/..%2Fb'])('refuses %j', (pattern) => {
    expect(() => compilePath([pattern])).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});
