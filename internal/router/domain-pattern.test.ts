import * as fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, it } from 'vitest';

import { compileDomain } from './domain-pattern.ts';

describe('compileDomain', () => {
  const matching: readonly (readonly [pattern: string, host: string, domain: string, glob: string])[] = [
    ['example.com', 'example.com', '', ''],
    ['Example.com', 'example.com', '', ''],
    ['*.example.com', 'a.example.com', 'a', ''],
    ['cdn-*.example.com', 'cdn-us.example.com', 'us', ''],
    ['cdn-*.example.com', 'cdn-.example.com', '', ''],
    ['*-prod.example.com', 'api-prod.example.com', 'api', ''],
    ['a*b.example.com', 'axxb.example.com', 'xx', ''],
    ['*.*.example.com', 'a.b.example.com', 'a.b', ''],
    ['*.x-*.com', 'a.x-b.com', 'a.b', ''],
    ['*.storage.**', 'x.storage.a.b', 'x', 'a.b'],
    ['*.storage.**', 'cdn.storage.example.com', 'cdn', 'example.com'],
    ['cdn-*.**', 'cdn-eu.app.dev', 'eu', 'app.dev'],
    ['api.**', 'api.a', '', 'a'],
    ['example.*', 'example.org', 'org', ''],
  ];
  it.each(matching)('%j matches %j: domain %j, glob %j', (pattern, host, domain, glob) => {
    expect(compileDomain(pattern).matches(host)).toBe(true);
    expect(compileDomain(pattern).captures(host)).toEqual({ domain, glob });
  });

  const failing: readonly (readonly [pattern: string, host: string])[] = [
    ['example.com', 'a.example.com'],
    ['*.example.com', 'example.com'],
    ['*.example.com', 'a.b.example.com'],
    ['*.example.com', '.example.com'],
    ['cdn-*.example.com', 'cdn.example.com'],
    ['a*a.example.com', 'a.example.com'],
    ['*.storage.**', 'storage.a.b'],
    ['*.storage.**', 'x.storage'],
    ['*.storage.**', 'x.storage.'],
    ['*.storage.**', 'x.storage.a..b'],
    ['cdn-*.**', 'cdn.app.dev'],
    ['*.example.com', ''],
    ['a.**', 'a.'.repeat(127) + 'ab'],
  ];
  it.each(failing)('%j does not match %j', (pattern, host) => {
    expect(compileDomain(pattern).matches(host)).toBe(false);
    expect(compileDomain(pattern).captures(host)).toBeNull();
  });

  it.each([
    'a*b*.example.com',
    '***.example.com',
    '**.example.com',
    '*.a.**.b',
    '*..com',
    '**',
    '*[ab].com',
    '!*.com',
    '*{a}.com',
    '*?.com',
  ])('refuses %j', (pattern) => {
    expect(() => compileDomain(pattern)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('agrees with picomatch on every label glob', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', '_', '1'), maxLength: 3 });
    const check = (prefix: string, suffix: string, label: string): void => {
      const glob = `${prefix}*${suffix}`;
      const expected = label !== '' && picomatch.isMatch(label, glob);
      expect(compileDomain(`${glob}.example.com`).matches(`${label}.example.com`)).toBe(expected);
    };
    const anyLabel = fc.oneof(
      text,
      fc.tuple(text, text, text).map((parts) => parts.join('')),
    );
    fc.assert(fc.property(text, text, anyLabel, check), { numRuns: 10_000 });
  });
});
