import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { MatchConfig } from '../config/index.ts';
import { compileRouter, type Route } from './router.ts';
import { DEFAULT_PATH_RULES, normalizePath } from '../message/index.ts';

/*
 * The reference: CONFIG.md's rules as a plain scan, sharing no code with the router. Alphabets are small, so that
 * patterns overlap and most requests match several routes.
 */

function labelMatches(pattern: string, label: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === label;
  const before = pattern.slice(0, star);
  const after = pattern.slice(star + 1);
  return (
    label !== '' && label.length >= before.length + after.length && label.startsWith(before) && label.endsWith(after)
  );
}

function domainMatches(pattern: string, host: string): boolean {
  if (!pattern.includes('*')) return pattern === host;
  const wanted = pattern.split('.');
  const labels = host.split('.');
  if (labels.includes('')) return false;
  if (wanted.at(-1) === '**') {
    wanted.pop();
    return labels.length > wanted.length && wanted.every((label, i) => labelMatches(label, labels[i]));
  }
  return labels.length === wanted.length && wanted.every((label, i) => labelMatches(label, labels[i]));
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
}

function matches(match: MatchConfig | null, host: string, path: string, method: string): boolean {
  if (match === null) return true;
  if (match.domain !== null && !domainMatches(match.domain, host)) return false;
  if (match.paths.length > 0 && !match.paths.some((pattern) => pathMatches(pattern, path))) return false;
  return match.methods.length === 0 || match.methods.includes(method);
}

function scan(routes: readonly Route<number>[], host: string, path: string, method: string): number | null {
  return routes.find((route) => matches(route.match, host, path, method))?.value ?? null;
}

function scanHosts(routes: readonly Route<number>[], host: string): number | null {
  const match = (route: Route<number>): boolean =>
    route.match === null || route.match.domain === null || domainMatches(route.match.domain, host);
  return routes.find(match)?.value ?? null;
}

const text = fc.constantFrom('a', 'b', 'ab', 'aba');
const glob = fc.constantFrom('*', '*', 'a*', '*a', 'a*a', 'ab*', '*b', '*ba');
const labelPattern = fc.oneof(text, text, glob);
const domain = fc
  .tuple(fc.array(labelPattern, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([labels, open]) => (open ? [...labels, '**'] : [...labels, 'b']).join('.'));
const segments = fc.array(fc.constantFrom('a', 'b', ''), { maxLength: 3 }).map((parts) => `/${parts.join('/')}`);
const pathPattern = fc
  .tuple(segments, fc.boolean())
  .map(([path, prefix]) => (prefix ? `${path.replace(/\/$/, '')}/*` : path));
const method = fc.constantFrom('GET', 'POST', 'get');
const matchConfig = fc.record({
  domain: fc.option(domain, { freq: 6 }),
  paths: fc.oneof(fc.constant([]), fc.array(pathPattern, { maxLength: 3 })),
  methods: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.uniqueArray(method, { maxLength: 2 }) },
  ),
});
const config = fc
  .array(fc.option(matchConfig, { freq: 30 }), { maxLength: 12 })
  .map((all) => all.map((match, value): Route<number> => ({ match, value })));
const host = fc
  .tuple(
    fc.array(fc.oneof({ weight: 12, arbitrary: text }, { weight: 1, arbitrary: fc.constant('') }), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([labels, b]) => (b ? [...labels, 'b'] : labels).join('.'));
const path = fc.oneof({ weight: 9, arbitrary: segments }, { weight: 1, arbitrary: fc.constant('*') });
const request = fc.tuple(host, path, method);

describe('the index and a linear scan', () => {
  it('choose the same route', () => {
    let matched = 0;
    let asked = 0;
    const check = (
      routes: readonly Route<number>[],
      requests: readonly (readonly [string, string, string])[],
    ): void => {
      // Patterns hold empty segments, so that the index shows that it tells them apart.
      const router = compileRouter(routes, { ...DEFAULT_PATH_RULES, mergeSlashes: false });
      for (const [h, p, m] of requests) {
        const expected = scan(routes, h, p, m);
        asked++;
        if (expected !== null) matched++;
        if (router.match(h, p, m) !== expected) expect.fail(`${m} ${h} ${p}: not route ${expected}`);
        const byHost = scanHosts(routes, h);
        if ((router.matchHost(h)?.value ?? null) !== byHost) expect.fail(`SNI ${h}: not route ${byHost}`);
      }
    };
    fc.assert(fc.property(config, fc.array(request, { minLength: 1, maxLength: 4 }), check), { numRuns: 20_000 });
    // A generator that hardly ever matches would prove nothing.
    expect(matched / asked).toBeGreaterThan(0.3);
  });

  it('choose the same route for patterns and paths that are spelled with encodings', () => {
    const spelled = fc
      .array(fc.constantFrom('/', 'a', '%61', '%2F', '%2f', '.', '%2e', '~', '%7E'), { maxLength: 6 })
      .map((parts) => `/${parts.join('')}`)
      // What is refused matches nothing.
      .filter((text) => normalizePath(text) !== null);
    const check = (patterns: readonly string[], spelledPath: string): void => {
      const routes = patterns.map((pattern, value) => ({
        match: { domain: null, paths: [pattern], methods: [] },
        value,
      }));
      const normal = normalizePath(spelledPath)!;
      const expected = patterns.findIndex((pattern) => normalizePath(pattern) === normal);
      expect(compileRouter(routes).match('a.b', normal, 'GET')).toBe(expected < 0 ? null : expected);
    };
    fc.assert(fc.property(fc.array(spelled, { maxLength: 6 }), spelled, check), { numRuns: 10_000 });
  });
});
