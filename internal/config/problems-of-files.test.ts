import { describe, expect, it } from 'vitest';
import { makePair } from '../../tests/testing/certificates.ts';
import { problemsOf } from './testing/config-folder.ts';

type Row = readonly [name: string, files: Readonly<Record<string, string | Uint8Array>>, ...problems: string[]];

const DROP = `{ action: { type: 'drop' } }`;
/** A root file with one service, into which parts are put. */
const root = (parts: { readonly service?: string; readonly root?: string; readonly routes?: string }): string => `{
${parts.root ?? ''}
services: { web: {
${parts.service ?? "listen: ':8080',"}
routes: [
${parts.routes ?? DROP}
] } } }`;

function expectRows(rows: readonly Row[]): void {
  it.each(rows.map(([name, files, ...expected]) => ({ name, files, expected })))(
    '$name',
    async ({ files, expected }) => {
      expect(await problemsOf(files)).toEqual(expected);
    },
  );
}

describe('a file that is no config', () => {
  expectRows([
    ['missing', {}, 'prox.json5:1:1: the file cannot be read: it does not exist'],
    ['empty', { 'prox.json5': '' }, 'prox.json5:1:1: the file is empty; expected an object in braces'],
    ['blank', { 'prox.json5': '\ufeff \n\n' }, 'prox.json5:1:1: the file is empty; expected an object in braces'],
    [
      'comments only',
      { 'prox.json5': '// x\n' },
      'prox.json5:2:1: expected an object in braces, found the end of the file',
    ],
    ['an array', { 'prox.json5': '[]' }, 'prox.json5:1:1: expected an object with `services`, found an array'],
    ['a number', { 'prox.json5': '7' }, 'prox.json5:1:1: expected an object with `services`, found the number 7'],
    ['null', { 'prox.json5': 'null' }, 'prox.json5:1:1: expected an object with `services`, found null'],
    [
      'an empty object',
      { 'prox.json5': '{}' },
      'prox.json5:1:1: services: is required: expected an object of named services',
    ],
    ['no services', { 'prox.json5': '{ services: {} }' }, 'prox.json5:1:13: services: expected at least one service'],
    [
      'UTF-16',
      { 'prox.json5': Buffer.from('\ufeff{}', 'utf16le') },
      'prox.json5:1:1: the file is UTF-16; save it as UTF-8',
    ],
    [
      'not UTF-8',
      { 'prox.json5': Buffer.concat([Buffer.from('{\n  a: "'), Buffer.from([0xff]), Buffer.from('"}')]) },
      'prox.json5:2:7: the file is not valid UTF-8 here; save it as UTF-8',
    ],
    [
      'a syntax error',
      { 'prox.json5': root({ service: "listen: ':80'" }) },
      'prox.json5:5:1: expected `,` or `}` after the value of `listen`, found `routes`',
    ],
    [
      'nested too deep',
      { 'prox.json5': '['.repeat(5000) },
      'prox.json5:1:101: expected at most 100 levels of nesting, found `[`',
    ],
    [
      'keys that a config must not have',
      { 'prox.json5': root({ root: '__proto__: {}, actions: {}, actions: {}, admin: { listen: NaN },' }) },
      'prox.json5:2:1: __proto__: the key `__proto__` is not allowed',
      'prox.json5:2:29: actions: the key `actions` is repeated; it is first at prox.json5:2:16',
      'prox.json5:2:59: admin.listen: expected a finite number, found NaN',
    ],
    [
      'NaN in a resource',
      { 'prox.json5': root({ root: 'resources: { a: { json: [1, -Infinity] } },' }) },
      'prox.json5:2:29: resources.a.json[1]: expected a finite number, found -Infinity',
    ],
  ]);

  it('a file with a byte order mark loads, and columns do not count it', async () => {
    expect(await problemsOf({ 'prox.json5': `\ufeff${root({})}` })).toEqual([]);
    expect(await problemsOf({ 'prox.json5': '\ufeff{}' })).toEqual([
      'prox.json5:1:1: services: is required: expected an object of named services',
    ]);
  });

  it('a path through a file', async () => {
    expect(await problemsOf({ 'prox.json5': '{}' }, 'prox.json5/x')).toEqual([
      'prox.json5/x:1:1: the file cannot be read: a part of the path is not a folder',
    ]);
  });
});

describe('services in files', () => {
  const service = (port: number, more = ''): string => `{ listen: ':${port}', routes: [${DROP}], ${more} }`;
  expectRows([
    [
      'a missing file',
      { 'prox.json5': `{ services: { a: './a.json5' } }` },
      'prox.json5:1:18: services.a: the file a.json5 cannot be read: it does not exist',
    ],
    [
      'a fragment with services',
      { 'prox.json5': `{ services: { a: './a.json5' } }`, 'a.json5': service(1, 'services: {}') },
      'a.json5:1:57: services: unknown key `services`: a service file holds one service, and refers to no further ones',
    ],
    [
      'the same action twice',
      {
        'prox.json5': `{ services: { a: './a.json5', b: './b.json5' } }`,
        'a.json5': service(1, `actions: { x: { type: 'drop' } }`),
        'b.json5': service(2, `actions: { x: { type: 'drop' } }`),
      },
      'b.json5:1:68: actions.x: the action `x` exists already, at a.json5:1:68; expected another name',
    ],
    [
      'the same resource twice',
      {
        'prox.json5': `{ services: { a: './a.json5' }, resources: { x: { text: '' } } }`,
        'a.json5': service(1, `resources: { x: { text: '' } }`),
      },
      'a.json5:1:70: resources.x: the resource `x` exists already, at prox.json5:1:46; expected another name',
    ],
    [
      'the same service twice',
      { 'prox.json5': `{ services: { a: './s/', b: './s/b.json5' } }`, 's/b.json5': service(1) },
      's/b.json5:1:1: the service `b` exists already, at s/b.json5:1:1; expected another name',
    ],
    [
      'addresses across files',
      {
        'prox.json5': `{ services: { a: './s/' } , admin: { listen: '0.0.0.0:1' } }`,
        's/a.json5': service(1),
        's/b.json5': service(1),
      },
      'prox.json5:1:46: admin.listen: "0.0.0.0:1" overlaps ":1", the address of the service `a`, at s/a.json5:1:11; expected one that is free',
      's/b.json5:1:11: listen: ":1" is the address of the service `a`, at s/a.json5:1:11; expected one that is free',
    ],
    [
      'problems in every file, in the order of the files',
      {
        'prox.json5': `{ services: { b: './b.json5', a: './a.json5' }, x: 1 }`,
        'a.json5': '{',
        'b.json5': '{ listen: 1 }',
      },
      'prox.json5:1:49: x: unknown key `x`; known keys: `services`, `actions`, `resources`, `plugins`, `logging`, `resolver`, `admin`, `$schema`',
      'b.json5:1:1: routes: is required: expected a list of routes',
      'b.json5:1:11: listen: expected an address such as ":8080", found the number 1',
      'a.json5:1:2: expected a key or `}` to close the `{` of line 1, found the end of the file',
    ],
  ]);

  it('says when a folder given as the config is empty', async () => {
    expect(await problemsOf({ 'empty/': '' }, 'empty')).toEqual([
      'empty:1:1: the folder holds no service file; expected at least one `.json5` file',
    ]);
  });
});

describe('files of routes', () => {
  expectRows([
    [
      'a missing file',
      { 'prox.json5': root({ routes: `'none.json5'` }) },
      'prox.json5:6:1: services.web.routes[0]: the file none.json5 cannot be read: it does not exist',
    ],
    [
      'a folder',
      { 'prox.json5': root({ routes: `'.'` }) },
      'prox.json5:6:1: services.web.routes[0]: the file . is a folder, expected a file',
    ],
    [
      'a circle',
      { 'prox.json5': root({ routes: `'a.json5'` }), 'a.json5': `['b.json5']`, 'b.json5': `{ routes: ['a.json5'] }` },
      'b.json5:1:12: routes[0]: the includes go in a circle: a.json5 → b.json5 → a.json5',
    ],
    [
      'a file of itself',
      { 'prox.json5': root({ routes: `'prox.json5'` }) },
      'prox.json5:6:1: services.web.routes[0]: the includes go in a circle: prox.json5 → prox.json5',
    ],
    [
      'no routes in all',
      { 'prox.json5': root({ routes: `'a.json5'` }), 'a.json5': '[]' },
      'prox.json5:5:9: services.web.routes: expected at least one route',
    ],
    [
      'routes that need a certificate, beside one that passes',
      {
        'prox.json5': root({
          service: `listen: ':1', tls: true,`,
          routes: `{ match: { domain: 'a.b' }, action: { type: 'pass', upstream: 'a:1' } }, { action: { type: 'static', status: 200 } }`,
        }),
      },
      'prox.json5:4:20: services.web.tls: TLS needs `tls_cert` and `tls_key`, or a folder as `tls_cert`, or `acme`, unless every route passes or drops',
    ],
    [
      'what is wrong in a file of two services is wrong once',
      {
        'prox.json5': `{ services: { a: { listen: ':1', routes: ['r.json5'] }, b: { listen: ':2', routes: ['r.json5'] } } }`,
        'r.json5': `[{ action: 'x' }, { action: { type: 'drop' }, y: 1 }]`,
      },
      'r.json5:1:12: [0].action: there is no action `x`',
      'r.json5:1:47: [1].y: unknown key `y`; known keys: `match`, `action`, `set`, `balancer`, `speed`, `plugins`, `plugin_timeout`, `access_log`',
    ],
    [
      'an include that is neither',
      { 'prox.json5': root({ routes: `'a.json5'` }), 'a.json5': '7' },
      'a.json5:1:1: expected a list of routes, or an object with `routes`, found the number 7',
    ],
  ]);

  it('includes that multiply are stopped', async () => {
    const files: Record<string, string> = { 'prox.json5': root({ routes: `'r0.json5'` }) };
    for (let index = 0; index < 30; index++)
      files[`r${index}.json5`] = `['r${index + 1}.json5', 'r${index + 1}.json5']`;
    files['r30.json5'] = '[]';
    const problems = await problemsOf(files);
    expect(problems[0]).toContain('the service has more than 1000000 routes or 10000 includes');
  });
});

describe('service', () => {
  const pair = makePair();
  const rows = (list: readonly (readonly [service: string, ...problems: string[]])[]): readonly Row[] =>
    list.map(([service, ...problems]) => [
      service,
      {
        'prox.json5': root({ service }),
        'c.pem': pair.cert,
        'k.pem': pair.key,
        'certs/a.pem': pair.cert,
        'certs/a.key': pair.key,
      },
      ...problems.map((problem) => `prox.json5:${problem}`),
    ]);
  expectRows(
    rows([
      [`listen: ':1', tls: true, tls_cert: 'c.pem', tls_key: 'k.pem', tls_client_ca: 'c.pem',`],
      [`listen: ':1', tls: true, tls_cert: 'certs/',`],
      [`listen: ':1', tls: false, tls_cert: 'certs/',`],
      [`listen: ':1', acme: { email: 'a@b.c' },`],
      // Its one route drops.
      [`listen: ':1', tls: true,`],
      [
        `listen: ':1', tls: true, tls_cert: 'c.pem',`,
        '4:36: services.web.tls_cert: `tls_cert` is a file and needs `tls_key` beside it; a folder of pairs does not',
      ],
      [
        `listen: ':1', tls: true, tls_cert: 'x.pem', tls_key: 'certs',`,
        '4:36: services.web.tls_cert: expected the path of a file or a folder, but x.pem cannot be read: it does not exist',
        '4:54: services.web.tls_key: expected the path of a file, but certs is a folder',
      ],
      [
        `listen: ':1', tls_cert: 'c.pem',`,
        '4:25: services.web.tls_cert: `tls_cert` needs `tls: true`; with `tls: false` it is kept but not used',
      ],
      [
        `listen: ':1', tls: true, tls_cert: 'certs', tls_client_auth: 'require',`,
        '4:62: services.web.tls_client_auth: `tls_client_auth` needs `tls_client_ca`: without it nothing can be verified',
      ],
      [`listen: 8080,`, '4:9: services.web.listen: expected an address such as ":8080", found the number 8080'],
      [
        `listen: '8080',`,
        '4:9: services.web.listen: expected ":8080" (all addresses), "127.0.0.1:8080", "[::1]:8080" or "unix:///run/prox.sock", found "8080": did you mean ":8080"?',
      ],
      [`lisen: ':1',`, '4:1: services.web.lisen: unknown key `lisen`; did you mean `listen`?'],
      [
        `listen: ':1', acme: { email: 'x' }, tls: false,`,
        '4:30: services.web.acme.email: expected an e-mail address, found "x"',
      ],
      [
        `listen: ':1', acme: { email: 'x@y.z' }, tls: false,`,
        '4:21: services.web.acme: `acme` turns TLS on, and `tls: false` turns it off; expected one of them',
      ],
      [
        `listen: ':1', acme: { email: 'a@b.c', challenge: 'dns', ca: 'staging', cas: ['zerossl'], storage_type: 's3' },`,
        '4:50: services.web.acme.challenge: `challenge: "dns"` needs `dns`, with its `provider`',
        '4:77: services.web.acme.cas: `ca` and `cas` exclude each other',
        '4:104: services.web.acme.storage_type: `storage_type: "s3"` needs `s3`, with its `bucket`',
      ],
      [
        `listen: ':1', acme: { email: 'a@b.c', domains: ['*.b.c', 'x'], s3: { bucket: 'b', access_key: 'k' } },`,
        '4:58: services.web.acme.domains[1]: expected a domain such as "example.com" or "*.example.com", found "x"',
      ],
      [
        `listen: ':1', acme: { email: 'a@b.c', domains: ['*.b.c'], s3: { bucket: 'b', access_key: 'k' } },`,
        '4:49: services.web.acme.domains[0]: the wildcard "*.b.c" needs `challenge: "dns"`; other challenges prove single names only',
        '4:63: services.web.acme.s3: `access_key` and `secret_key` need each other',
      ],
      [
        `listen: ':1', config: { idle_timeout: '5', header_timeout: 0, max_headers: 1.5, trusted_proxies: ['10/8'], flush_interval: -1 },`,
        '4:39: services.web.config.idle_timeout: expected a duration such as "30s", "1m30s", "250ms" or "1.5h", or a number of seconds, found "5": the unit is missing (write it without quotes for seconds)',
        '4:60: services.web.config.header_timeout: expected a duration above 0, found the number 0: without this limit a silent client could hold its connection forever',
        '4:76: services.web.config.max_headers: expected a whole number from 8 to 65536, found 1.5',
        '4:99: services.web.config.trusted_proxies[0]: expected an address or a range such as "10.0.0.0/8" or "fd00::/8", found "10/8"',
      ],
      [
        `listen: ':1', config: { read_timeout: -1 },`,
        '4:39: services.web.config.read_timeout: expected a duration such as "30s", "1m30s", "250ms" or "1.5h", or a number of seconds, found the number -1: it must not be negative',
      ],
      [
        `listen: ':1', config: { flush_interval: 'soon' },`,
        '4:41: services.web.config.flush_interval: expected a duration such as "30s", "1m30s", "250ms" or "1.5h", or a number of seconds, found "soon"',
      ],
      [
        `listen: ':1', config: { proxy_protocol: true },`,
        '4:41: services.web.config.proxy_protocol: `proxy_protocol` needs `trusted_proxies`: prox accepts the header only from these addresses',
      ],
    ]),
  );
});

describe('root', () => {
  const rows = (list: readonly (readonly [root: string, ...problems: string[]])[]): readonly Row[] =>
    list.map(([text, ...problems]) => [
      text,
      { 'prox.json5': root({ root: text }) },
      ...problems.map((problem) => `prox.json5:${problem}`),
    ]);
  expectRows(
    rows([
      [`$schema: './prox.schema.json',`],
      [
        `logging: { rotate: { frequency: 'daily', keep: 3 } }, plugins: { a: { path: './a' } }, admin: { listen: 'unix:///a' },`,
      ],
      [
        `resolver: { servers: ['ns.example.com', '10.0.0.1:0', '::1:53x'], timeout: 0, attempts: 0 },`,
        '2:23: resolver.servers[0]: expected an IP address with or without a port, found the string "ns.example.com"',
        '2:41: resolver.servers[1]: expected an IP address with or without a port, found the string "10.0.0.1:0"',
        '2:55: resolver.servers[2]: expected an IP address with or without a port, found the string "::1:53x"',
        '2:76: resolver.timeout: expected a duration above 0, found the number 0: a server needs some time to answer',
        '2:89: resolver.attempts: expected a number of attempts from 1 to 10, found 0',
      ],
      [`resolver: 'dns',`, '2:11: resolver: expected "system", or an object with servers, found the string "dns"'],
      [
        `logging: { level: 'warning' },`,
        '2:19: logging.level: expected "debug", "info", "warn" or "error", found the string "warning"',
      ],
      [
        `logging: { level: 'infos' },`,
        '2:19: logging.level: expected "debug", "info", "warn" or "error", found the string "infos"; did you mean `info`?',
      ],
      [
        `logging: { rotate: { keep: 3 } },`,
        '2:20: logging.rotate: expected `frequency` or `size`: without them nothing would be rotated',
      ],
      [
        `logging: { rotate: { frequency: 'weekly', size: '10x', keep: 0 } },`,
        '2:33: logging.rotate.frequency: expected "daily", "hourly", a duration, or a number of seconds, at least a second, found the string "weekly"',
        '2:49: logging.rotate.size: expected a size such as "10m" (k, m, g), or a number of bytes above 0, found the string "10x": the units are k, m, g, kib, mib, gib (powers of 1024) and kb, mb, gb (powers of 1000)',
        '2:62: logging.rotate.keep: expected a number of files from 1 to 100000, found 0',
      ],
      [`plugins: { a: { path: '' } },`, '2:23: plugins.a.path: expected the path of a plugin, found an empty string'],
      [`plugins: { __proto__: {} },`, '2:12: plugins.__proto__: the key `__proto__` is not allowed'],
      [`plugins: { '': { path: 'x' } },`, '2:12: plugins[""]: expected a name, found an empty one'],
      [`admin: { token: 'x' },`, '2:8: admin.listen: is required: expected an address such as ":8080"'],
      [
        `actions: { a: { type: 'proxy', upstream: 'a:1', fallback: 'b' }, b: { type: 'proxy', upstream: 'b:1', fallback: 'a' } },`,
        '2:113: actions.b.fallback: the fallbacks go in a circle: a → b → a',
      ],
      [
        `actions: { a: { type: 'proxy', upstream: 'a:1', fallback: 'a' } },`,
        '2:59: actions.a.fallback: the fallbacks go in a circle: a → a',
      ],
      [`actions: 7,`, '2:10: actions: expected an object of named actions, found the number 7'],
      [
        `actions: { unused: { type: 'serve', root: 'prox.json5' } },`,
        '2:43: actions.unused.root: expected the path of a folder, but prox.json5 is a file',
      ],
      [`resources: { a: { txt: 'x' } },`, '2:19: resources.a.txt: unknown key `txt`; did you mean `text`?'],
    ]),
  );
});
