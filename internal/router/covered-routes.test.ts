import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MatchConfig } from '../config/index.ts';
import { type CoverableRoute, type CoveredRoute, findCoveredRoutes } from './covered-routes.ts';
import { DEFAULT_PATH_RULES } from '../message/index.ts';
import { compileRouter } from './router.ts';

type Written = Partial<MatchConfig> | null;

function matchOf(written: Written): MatchConfig | null {
  return written === null ? null : { domain: null, paths: [], methods: [], ...written };
}

function found(routes: readonly CoverableRoute[]): CoveredRoute[] {
  return [...findCoveredRoutes(routes, DEFAULT_PATH_RULES)].filter((each) => each !== null);
}

/** `index<by,by` for each route that is covered. */
function covered(...routes: readonly Written[]): string[] {
  const list = routes.map((written) => ({ match: matchOf(written), byHost: false }));
  return found(list).map(({ index, by }) => `${index}<${by.join()}`);
}

const paths = (...list: string[]): Written => ({ paths: list });
const domain = (name: string): Written => ({ domain: name });

describe('routes that no request reaches', () => {
  it.each<[string, Written[], string[]]>([
    ['behind a route for everything', [null, domain('a.test'), paths('/x'), null], ['1<0', '2<0', '3<0']],
    ['of the same path', [paths('/a'), paths('/a')], ['1<0']],
    ['below a prefix', [paths('/a/*'), paths('/a/b'), paths('/a/b/*')], ['1<0', '2<0']],
    ['of which each alternative is covered', [paths('/a'), paths('/b'), paths('/a', '/b')], ['2<0,1']],
    ['of a name under a wildcard', [domain('*.a.test'), domain('x.a.test')], ['1<0']],
    ['of a wildcard under a wider one', [domain('*.a.test'), domain('x-*.a.test')], ['1<0']],
    ['of a wildcard under an open one', [domain('*.**'), domain('*.a.test'), domain('b.**')], ['1<0', '2<0']],
    ['of an open one that others cover length by length', [domain('a.*'), domain('*.*.**'), domain('a.**')], ['2<0,1']],
    ['of a domain behind a path for all', [paths('/*'), domain('a.test')], ['1<0']],
    ['of one method', [{ paths: ['/a'] }, { paths: ['/a'], methods: ['GET'] }], ['1<0']],
    [
      'of methods that earlier ones share',
      [
        { paths: ['/a'], methods: ['GET'] },
        { paths: ['/a'], methods: ['PUT'] },
        { paths: ['/a'], methods: ['PUT', 'GET'] },
      ],
      ['2<1,0'],
    ],
    ['of a path written in another way', [paths('/a'), paths('/%61')], ['1<0']],
  ])('%s', (_, routes, expected) => {
    expect(covered(...routes)).toEqual(expected);
  });

  it.each<[string, Written[]]>([
    ['a narrow one before a wide one', [paths('/a/b'), paths('/a/*'), domain('x.a.test'), domain('*.a.test'), null]],
    ['the folder of a prefix', [paths('/a/*'), paths('/a')]],
    ['a path of which one alternative is left', [paths('/a'), paths('/a', '/b')]],
    ['all methods behind one of them', [{ paths: ['/a'], methods: ['GET'] }, paths('/a')]],
    ['another label', [domain('*.a.test'), domain('*.*.a.test'), domain('a.test'), domain('*.b.test')]],
    ['another affix', [domain('x-*.a.test'), domain('xy.a.test'), domain('*-x.a.test'), domain('*.a.test')]],
    ['an open one behind fixed lengths', [domain('a.*'), domain('a.*.*'), domain('a.**')]],
    ['an open one of which one length is left', [domain('a.*'), domain('*.*.*.**'), domain('a.**')]],
    ['everything behind all paths: targets without one are left', [paths('/*'), null]],
    ['CONNECT behind all paths', [paths('/*'), { domain: 'a.test', methods: ['CONNECT'] }]],
  ])('are not: %s', (_, routes) => {
    expect(covered(...routes)).toEqual([]);
  });

  it('are those with a host of their own, for routes that are chosen by it', () => {
    const routes = [
      { match: matchOf(paths('/health')), byHost: false },
      { match: matchOf(domain('a.test')), byHost: true },
    ];
    expect(found(routes)).toEqual([{ index: 1, by: [0] }]);
    expect(found(routes.toReversed())).toEqual([]);
  });

  it('are reached by no request that can be made up', () => {
    const label = fc.constantFrom('a', 'b', '*', 'a*', '*b');
    const domains = fc
      .tuple(fc.array(label, { minLength: 1, maxLength: 3 }), fc.constantFrom('a', '**'))
      .map(([labels, last]) => [...labels, last].join('.'));
    const path = fc.constantFrom('/', '/a', '/*', '/a/*', '/a/b', '/a/b/*');
    const match = fc.record({
      domain: fc.option(domains),
      paths: fc.array(path, { maxLength: 2 }),
      methods: fc.array(fc.constantFrom('GET', 'PUT'), { maxLength: 2 }),
    });
    const hosts = ['', 'a', 'a.a', 'b.a', 'ab.a', 'c.a', 'a.b.a', 'b.b.b.b', 'c.c.c.c.c', 'aab.cb.a'];
    fc.assert(
      fc.property(fc.array(fc.option(match), { maxLength: 6 }), (matches) => {
        const router = compileRouter(matches.map((each, value) => ({ match: each, value })));
        const list = matches.map((each) => ({ match: each, byHost: false }));
        const dead = new Set(found(list).map(({ index }) => index));
        for (const host of hosts)
          for (const path of ['/', '/a', '/a/', '/a/b', '/a/b/c', '/c'])
            for (const method of ['GET', 'PUT', 'POST']) {
              expect(dead).not.toContain(router.match(host, path, method));
            }
      }),
    );
  });

  it('are found among ten thousand', () => {
    const routes = Array.from({ length: 10_000 }, (_, i) => domain(i % 2 === 0 ? `t${i}.test` : `*.t${i}.test`));
    expect(covered(...routes, paths('/a'), paths('/a'))).toEqual(['10001<10000']);
  });
});
