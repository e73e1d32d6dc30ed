/**
 * What choosing a route costs, and that it does not grow with their number: 1 route against 10,000 routes of each
 * shape. Two ways of asking:
 *
 *   one host     the same host again and again: what the index itself costs, warm in the caches
 *   fresh text   strings made anew each time, as they come off the wire, for hosts all over the config: with 10,000
 *                routes this also counts the cache misses of as much data
 *
 * The text of a fresh request is made in both cases, and its cost (the "text alone" row) is taken off the difference.
 */
import { normalizePath } from '../../internal/message/index.ts';
import { compileRouter, normalizeHost, type Route, type Router } from '../../internal/router/index.ts';
import { bench, keep } from './harness.ts';

const MANY = 10_000;

interface Shape {
  readonly name: string;
  readonly domain: (i: number) => string;
  readonly path: (i: number) => string | null;
  readonly host: (i: number) => string;
  readonly target: (i: number) => string;
}

const SHAPES: readonly Shape[] = [
  shape(
    'distinct domains',
    (i) => `host-${i}.example.com`,
    (i) => `host-${i}.example.com`,
  ),
  shape(
    'wildcard domains (*.d)',
    (i) => `*.host-${i}.example.com`,
    (i) => `www.host-${i}.example.com`,
  ),
  shape(
    'label globs (g-*.d)',
    (i) => `cdn${i}-*.example.com`,
    (i) => `cdn${i}-eu.example.com`,
  ),
  shape(
    'open wildcards (d.**)',
    (i) => `host-${i}.**`,
    (i) => `host-${i}.example.com`,
  ),
  {
    name: 'prefixes of one domain',
    domain: () => 'example.com',
    path: (i) => `/app-${i}/*`,
    host: () => 'example.com',
    target: (i) => `/app-${i}/index.html`,
  },
];

function shape(name: string, domain: (i: number) => string, host: (i: number) => string): Shape {
  return { name, domain, path: () => null, host, target: () => '/assets/app/index.html' };
}

function compile({ domain, path }: Shape, count: number): Router<number> {
  const routes: Route<number>[] = [];
  for (let i = 0; i < count; i++) {
    const pattern = path(i);
    routes.push({ match: { domain: domain(i), paths: pattern === null ? [] : [pattern], methods: [] }, value: i });
  }
  return compileRouter(routes);
}

/** The median of several, as the first ones also pay for the compiler. */
function timeCompile(shape: Shape): Router<number> {
  const times = Array.from({ length: 7 }, () => {
    const before = performance.now();
    compile(shape, MANY);
    return performance.now() - before;
  });
  console.log(`compiled in ${times.toSorted((a, b) => a - b)[3].toFixed(1)} ms (first time ${times[0].toFixed(1)} ms)`);
  return compile(shape, MANY);
}

async function oneHost(shape: Shape, count: number, router: Router<number>): Promise<number> {
  const host = shape.host(count >> 1);
  const target = shape.target(count >> 1);
  const body = (ops: number): void => {
    for (let i = 0; i < ops; i++) keep(router.match(host, target, 'GET'));
  };
  return (await bench(`${shape.name}, ${count} routes, one host`, body)).cpu;
}

/** `router` null measures the making of the text alone. */
async function freshText(shape: Shape, count: number, router: Router<number> | null): Promise<number> {
  // A stride that is prime to the count visits every route, in no order that a cache could foresee.
  const blocks = Array.from({ length: count }, (_, i) => {
    const at = (i * 7919) % count;
    return { block: Buffer.from(shape.host(at) + shape.target(at), 'latin1'), split: shape.host(at).length };
  });
  const body = (ops: number): void => {
    for (let i = 0; i < ops; i++) {
      const { block, split } = blocks[i % count];
      const host = normalizeHost(block.toString('latin1', 0, split));
      const path = normalizePath(block.toString('latin1', split))!;
      keep(router === null ? host.length + path.length : router.match(host, path, 'GET'));
    }
  };
  return (await bench(`${shape.name}, ${count} routes, ${router === null ? 'text alone' : 'fresh text'}`, body)).cpu;
}

for (const shape of SHAPES) {
  const one = compile(shape, 1);
  const many = timeCompile(shape);
  const warm = [await oneHost(shape, 1, one), await oneHost(shape, MANY, many)] as const;
  const text = [await freshText(shape, 1, null), await freshText(shape, MANY, null)] as const;
  const fresh = [await freshText(shape, 1, one), await freshText(shape, MANY, many)] as const;
  const extra = fresh[1] - text[1] - (fresh[0] - text[0]);
  console.log(
    `=> ${shape.name}: 10,000 routes cost ${(warm[1] / warm[0]).toFixed(2)} times one route for one host; ` +
      `for fresh text of all hosts ${extra.toFixed(0)} ns more a request\n`,
  );
}
