import { writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { makePair } from '../../tests/testing/certificates.ts';
import { loadConfig } from './load-config.ts';
import { TEST_FEATURES } from './testing/features.ts';
import { ConfigError } from './problem.ts';
import { ConfigFolder } from './testing/config-folder.ts';

/** A config that loads and has a bit of everything: mutations of it reach every check. */
const VALID = {
  services: {
    web: {
      listen: ':8080',
      tls: true,
      tls_cert: 'c.pem',
      tls_key: 'c.pem',
      acme: { email: 'a@b.c', challenge: 'dns', dns: { provider: 'cloudflare' }, domains: ['*.b.c'] },
      plugins: ['auth'],
      config: { idle_timeout: '2m', max_headers: 64, trusted_proxies: ['10.0.0.0/8'], proxy_protocol: true },
      routes: [
        {
          match: { path: '/a/*, /b', methods: ['GET'] },
          action: { type: 'static', status: 200, headers: { A: '{host}' }, body_ref: { text: '{path}' } },
        },
        {
          match: { domain: '*.b.c' },
          balancer: { type: 'leastconn', targets: ['a:1', 'b:1'] },
          set: { x: '1' },
          action: 'pool',
        },
        { match: { domain: 'l4.b.c' }, action: { type: 'pass', upstream: 'a:443' } },
        'r.json5',
        {
          speed: { upload_mbps: 1 },
          plugin_timeout: 1,
          access_log: 'off',
          action: { type: 'serve', root: '.', cache: { size: '1m' } },
        },
      ],
    },
    more: 's',
  },
  actions: {
    pool: { type: 'proxy', upstream: 'http://{target}/{x}', fallback: 'spare', upstream_tls: undefined },
    spare: { type: 'proxy', upstream: 'https://a', upstream_tls: { ca: 'c.pem' }, headers: { Host: 'b' } },
  },
  resources: { r: { json: { deep: [1, { a: null }] } }, f: { file: 'c.pem' } },
  plugins: { auth: { path: './auth' } },
  logging: { level: 'info', rotate: { frequency: 'daily', size: '1m' } },
  admin: { listen: 'unix:///a' },
};

const pair = makePair();
const folder = new ConfigFolder({
  'c.pem': pair.cert + pair.key,
  'r.json5': `[{ action: { type: 'drop' } }]`,
  's/a.json5': `{ listen: ':1', routes: ['../r.json5'] }`,
});
afterAll(() => folder.remove());

async function check(text: string): Promise<void> {
  const file = folder.at('prox.json5');
  writeFileSync(file, text);
  try {
    await loadConfig(file, TEST_FEATURES);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    const lines = text.replace(/^\ufeff/, '').split('\n');
    for (const { position, message } of error.problems) {
      // Ours are sentences; "Invalid input" would be the schema library's own words.
      expect(message).toMatch(/^.{12,}$/s);
      expect(message).not.toMatch(/Invalid|undefined/);
      if (position.file !== file) continue;
      const line = lines[position.line - 1];
      expect(line, `${position.line}:${position.column} ${message}`).toBeDefined();
      expect(position.column).toBeGreaterThan(0);
      expect(position.column).toBeLessThanOrEqual(line.length + 1);
    }
  }
}

/** Paths of every value of a tree. */
function pathsOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, part]) => pathsOf(part, [...path, key]))];
}

const WORDS = [
  'listen',
  'routes',
  'type',
  'proxy',
  'static',
  'pass',
  'pool',
  '{target}',
  '{x}:{y}',
  '/*',
  '*.**',
  'a:1',
  '',
  '\0',
  '-1s',
  '__proto__',
  'constructor',
  'toString',
  '.',
  'r.json5',
  'prox.json5',
];
const junk = fc.oneof(
  fc.constantFrom<unknown>(...WORDS, null, true, 0, -1, Number.MAX_VALUE, [], {}),
  fc.jsonValue({ maxDepth: 2 }),
);
const mutation = fc.record({
  path: fc.constantFrom(...pathsOf(VALID).slice(1)),
  kind: fc.constantFrom('replace', 'remove', 'add', 'rename'),
  key: fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 5 })),
  value: junk,
});

function mutate(
  root: unknown,
  { path, kind, key, value }: typeof mutation extends fc.Arbitrary<infer T> ? T : never,
): void {
  const last = path.at(-1) as string;
  let owner = root as Record<string, unknown>;
  for (const step of path.slice(0, -1)) {
    const next = owner[step];
    if (typeof next !== 'object' || next === null) return;
    owner = next as Record<string, unknown>;
  }
  const put = (name: string, what: unknown): unknown =>
    Object.defineProperty(owner, name, { value: what, enumerable: true, configurable: true, writable: true });
  if (Array.isArray(owner)) put(last, value);
  else if (kind === 'replace') put(last, value);
  else if (kind === 'add') put(key, value);
  else {
    const old = owner[last];
    delete owner[last];
    if (kind === 'rename') put(key, old);
  }
}

const mutated = fc.array(mutation, { minLength: 1, maxLength: 3 }).map((mutations) => {
  const tree = structuredClone(VALID);
  for (const each of mutations) mutate(tree, each);
  return JSON.stringify(tree, null, 1);
});

const misspelt = fc
  .array(
    fc.record({
      at: fc.nat(2500),
      remove: fc.nat(3),
      insert: fc.constantFrom('', ...Array.from('{}[],:"\'\n0-/* '), '\ufeff', 'é'),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((slips) => {
    let text = JSON.stringify(VALID, null, 1);
    for (const { at, remove, insert } of slips) text = text.slice(0, at) + insert + text.slice(at + remove);
    return text;
  });

describe('loadConfig', () => {
  it('loads the config that the mutations start from', async () => {
    await expect(check(JSON.stringify(VALID))).resolves.toBeUndefined();
    writeFileSync(folder.at('prox.json5'), JSON.stringify(VALID));
    await expect(loadConfig(folder.at('prox.json5'), TEST_FEATURES)).resolves.toBeDefined();
  });

  it('loads any input, or fails with problems that stand inside of the file', { timeout: 300_000 }, async () => {
    const input = fc.oneof(
      { weight: 6, arbitrary: mutated },
      { weight: 3, arbitrary: misspelt },
      { weight: 1, arbitrary: fc.json() },
    );
    await fc.assert(fc.asyncProperty(input, check), { numRuns: 10_000 });
  });
});
