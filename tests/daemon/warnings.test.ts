import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expiredPairFor, makePair } from '../testing/certificates.ts';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { folderOf, removeFolder, runProx } from '../testing/run-prox.ts';

const DROP = { type: 'drop' };
const OK = { type: 'static', status: 200 };
const one = makePair({ alternatives: 'DNS:a.one.test' });
const two = makePair({ alternatives: 'DNS:two.test,DNS:*.two.test' });
const expired = expiredPairFor('old.one.test');

function routes(...matches: readonly unknown[]): unknown {
  return webConfig(matches.map((match) => (match === null ? { action: DROP } : { match, action: DROP })));
}

function secure(...domains: readonly (string | null)[]): unknown {
  return webConfig(
    domains.map((domain) => (domain === null ? { action: OK } : { match: { domain }, action: OK })),
    { tls: true, tls_cert: 'certs' },
  );
}

/** The configs of all tests, by the name of their file. */
const CONFIGS: Readonly<Record<string, unknown>> = {
  'catch-all.json5': routes({ path: '/a' }, null, { path: '/b' }, { path: '/c' }),
  'covered.json5': routes(
    { path: '/api/*' },
    { path: '/api/x' },
    { path: '/a' },
    { path: '/b' },
    { path: '/a, /b' },
    null,
  ),
  'fine.json5': routes({ path: '/api/x' }, { path: '/api/*' }, null),
  'pass.json5': webConfig(
    [
      { match: { path: '/health' }, action: OK },
      { match: { domain: 'a.test' }, action: { type: 'pass', upstream: '127.0.0.1:1' } },
    ],
    { tls: false },
  ),
  'names.json5': secure('*.one.test', 'x.two.test'),
  'no-name.json5': secure('*.one.test'),
  'any-name.json5': secure('*.one.test', null),
  'old.json5': webConfig([{ action: OK }], { tls: true, tls_cert: 'old.crt', tls_key: 'old.key' }),
  'elsewhere.json5': webConfig(
    [{ action: { type: 'serve', root: '/nowhere/www' }, access_log: '/nowhere/logs/a.log' }],
    { tls: true, tls_cert: '/nowhere/a.crt', tls_key: '/nowhere/a.key' },
    { resources: { here: { file: 'certs/one.crt' } } },
  ),
};

let folder: string;
beforeAll(async () => {
  folder = await folderOf({
    ...Object.fromEntries(Object.entries(CONFIGS).map(([name, config]) => [name, JSON.stringify(config)])),
    'certs/one.crt': one.cert,
    'certs/one.key': one.key,
    'certs/two.crt': two.cert,
    'certs/two.key': two.key,
    'old.crt': expired.cert,
    'old.key': expired.key,
  });
});
afterAll(() => removeFolder(folder));

/** What `prox validate` warns of, without the places. */
async function warningsOf(name: string): Promise<string[]> {
  const { code, stdout, stderr } = await runProx(['validate', name], { cwd: folder });
  const warnings = stderr.split('\n').filter((line) => line !== '');
  const counted = warnings.length === 0 ? '' : `, ${warnings.length} warning${warnings.length === 1 ? '' : 's'}`;
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: expect.stringMatching(new RegExp(String.raw`^${name} is valid: .* files?${counted}\n$`)) as unknown,
  });
  return warnings.map((line) => {
    expect(line).toMatch(new RegExp(String.raw`^warning: ${name}:1:\d+: services\.web\.`));
    return line
      .replace(/^warning: \S+ /, '')
      .replaceAll(`${folder}/`, '')
      .replaceAll(/:1:\d+/g, ':1:n');
  });
}

describe('prox validate warns of', () => {
  it.each<[string, string, string[]]>([
    [
      'a route for everything before others, once',
      'catch-all.json5',
      [
        'services.web.routes (web:1): it matches every request, so that the 2 routes after it never get one; move it to the end',
      ],
    ],
    [
      'routes that others cover',
      'covered.json5',
      [
        'services.web.routes (web:1): no request reaches this route: web:0, at covered.json5:1:n, matches all of its requests and comes first',
        'services.web.routes (web:4): no request reaches this route: web:2, at covered.json5:1:n, and another one match all of its requests and come first',
      ],
    ],
    ['nothing where the order is right', 'fine.json5', []],
    [
      'a pass route behind one that needs the request',
      'pass.json5',
      [
        'services.web.routes (web:1): no request reaches this route: web:0, at pass.json5:1:n, matches all of its requests and comes first',
      ],
    ],
    [
      'a certificate for no route',
      'no-name.json5',
      ['services.web.tls_cert: certs/two.crt: no route of the service has one of its names (two.test, *.two.test)'],
    ],
    ['no certificate that has a route', 'names.json5', []],
    ['no certificate where any name may come', 'any-name.json5', []],
    [
      'a certificate that has expired',
      'old.json5',
      [expect.stringMatching(/^services\.web\.tls_cert: old\.crt: it has expired on .* clients refuse it$/) as string],
    ],
  ])('%s', async (_, name, expected) => {
    expect(await warningsOf(name)).toEqual(expected);
  });
});

describe('prox validate -offline', () => {
  it('looks at nothing that only the machine that serves has, and says so', async () => {
    const { code, stdout, stderr } = await runProx(['validate', '-offline', 'elsewhere.json5'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'elsewhere.json5 is valid: 1 service, 1 route, 2 files\n' });
    expect(stderr.trimEnd().split('\n')).toEqual(
      ['/nowhere/a.crt', '/nowhere/a.key', '/nowhere/logs/a.log', '/nowhere/www'].map(
        (path) => `not checked (-offline): ${path}`,
      ),
    );
  });

  it('is what makes the difference', async () => {
    const { code, stderr } = await runProx(['validate', 'elsewhere.json5'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain('elsewhere.json5 is not valid: 3 problems');
  });
});

describe('prox serve', () => {
  it('logs the same warnings, and serves', async () => {
    const daemon = await TestDaemon.start(CONFIGS['catch-all.json5']);
    const line = await daemon.logged(({ level, msg }) => level === 'warn' && msg.includes('move it to the end'));
    await daemon.stop();
    expect(line.msg).toMatch(/^prox\.json5:\d+:\d+: services\.web\.routes \(web:1\): it matches every request/);
  });

  it('serves with a certificate that has expired', async () => {
    const daemon = await TestDaemon.start(CONFIGS['old.json5'], {
      files: { 'old.crt': expired.cert, 'old.key': expired.key },
    });
    const line = await daemon.logged(({ level, msg }) => level === 'warn' && msg.includes('has expired'));
    await daemon.stop();
    expect(line.msg).toMatch(/services\.web\.tls_cert: \S*old\.crt: it has expired on/);
  });
});
