import { describe, expect, it } from 'vitest';
import type { Config, PassConfig, ProxyConfig, RouteConfig } from './config.ts';
import { DEFAULT_LIMITS } from './schema/limits.ts';
import { load, problemsOf } from './testing/config-folder.ts';

/** Spellings that the Go prox takes: each loads, and means what it means there. */

const root = (service: string, rest = ''): string => `{ services: { web: { listen: ':1', ${service} } }, ${rest} }`;
const DROP = `routes: [{ action: { type: 'drop' } }]`;

async function loadRoute(route: string, rest = ''): Promise<RouteConfig> {
  const config = await load({ 'prox.json5': root(`routes: [${route}]`, rest) });
  return config.services[0].routes[0];
}

function plugins(config: Config): Record<string, readonly string[]> {
  const short = (name: string): string => name.replace(/^.*\/prox-config-[^/]*\//, '');
  return Object.fromEntries(config.services.map(({ name, plugins: names }) => [name, names.map(short)]));
}

describe('a service file', () => {
  const fragment = (more: string): string => `{ listen: ':1', ${more}, ${DROP} }`;

  it('registers plugins, and calls its own list `service_plugins`', async () => {
    const config = await load({
      'prox.json5': `{ plugins: { a: { path: './p/a' } }, services: { one: './sub/one.json5', two: './two.json5' } }`,
      'sub/one.json5': fragment(`plugins: { b: { path: './b', autostart: true } }, service_plugins: ['a', 'b', './c']`),
      'two.json5': `{ listen: ':2', plugins: ['b'], ${DROP} }`,
    });
    expect(plugins(config)).toEqual({ one: ['a', 'b', 'sub/c'], two: ['b'] });
    expect(config.plugins['b']).toMatchObject({ path: expect.stringMatching(/\/sub\/b$/), autostart: true });
    expect(Object.keys(config.plugins)).toEqual(['a', 'b']);
  });

  it('registers plugins without a root file', async () => {
    const config = await load(
      {
        'conf/a.json5': `{ listen: ':1', service_plugins: ['x'], ${DROP} }`,
        'conf/b.json5': `{ listen: ':2', plugins: { x: { path: './x' } }, service_plugins: ['x'], ${DROP} }`,
      },
      'conf',
    );
    expect(plugins(config)).toEqual({ a: ['x'], b: ['x'] });
  });

  it('names both lists when it has both', async () => {
    const config = await load({
      'prox.json5': `{ services: { a: './a.json5' } }`,
      'a.json5': fragment(`plugins: ['./x'], service_plugins: ['./y', './x']`),
    });
    expect(plugins(config)).toEqual({ a: ['x', 'y'] });
  });

  it.each([
    [
      `plugins: { a: { path: './x' } }`,
      'a.json5:1:28: plugins.a: the plugin `a` exists already, at prox.json5:1:14; expected another name',
    ],
    [`plugins: { b: { pth: './x' } }`, 'a.json5:1:33: plugins.b.pth: unknown key `pth`; did you mean `path`?'],
    [
      `plugins: ['no']`,
      'a.json5:1:27: plugins[0]: no plugin `no` is registered in `plugins`, and it is no path; registered: `a`',
    ],
    [
      `service_plugins: ['no']`,
      'a.json5:1:35: service_plugins[0]: no plugin `no` is registered in `plugins`, and it is no path; registered: `a`',
    ],
    [
      `plugins: 'a'`,
      'a.json5:1:26: plugins: expected a list of plugin names, or an object of named plugins, found the string "a"',
    ],
  ])('with a mistake: %s', async (more, ...expected) => {
    const files = {
      'prox.json5': `{ plugins: { a: { path: './a' } }, services: { a: './a.json5' } }`,
      'a.json5': fragment(more),
    };
    expect(await problemsOf(files)).toEqual(expected);
  });
});

describe('targets that plugins bring', () => {
  const route = `{ balancer: { type: 'random', targets: [] }, action: { type: 'proxy', upstream: '{target}' } }`;

  it('may come from any plugin that starts by itself', async () => {
    const { balancer } = await loadRoute(route, `plugins: { cron: { path: './cron', autostart: true } }`);
    expect(balancer?.targets).toEqual([]);
  });

  it('do not come from one that is only registered', async () => {
    const text = root(`routes: [${route}]`, `plugins: { cron: { path: './cron' } }`);
    expect((await problemsOf({ 'prox.json5': text })).join()).toContain(
      'expected at least one target, or plugins that fill them',
    );
  });
});

describe('plugins by path', () => {
  it('need no dot in front', async () => {
    const { plugins: names } = await loadRoute(`{ plugins: ['plugins/auth'], action: { type: 'drop' } }`);
    expect(names).toEqual([expect.stringMatching(/\/plugins\/auth$/)]);
  });
});

describe('words', () => {
  it('methods in any case', async () => {
    const { match } = await loadRoute(
      `{ match: { path: '/', methods: ['get', 'GET', 'Post'] }, action: { type: 'drop' } }`,
    );
    expect(match?.methods).toEqual(['GET', 'POST']);
  });

  it.each(['INFO', 'Info'])('the level %s', async (level) => {
    const config = await load({ 'prox.json5': root(DROP, `logging: { level: '${level}' }`) });
    expect(config.logging.level).toBe('info');
  });

  it('a path with a comma behind it', async () => {
    const { match } = await loadRoute(`{ match: { path: '/a, /b/*,' }, action: { type: 'drop' } }`);
    expect(match?.paths).toEqual(['/a', '/b/*']);
  });

  it.each(['-5', '"-1s"', '"10ms"', '0', '-0.5', '"-1"'])('flush_interval: %s', async (value) => {
    const text = root(`config: { flush_interval: ${value} }, ${DROP}`);
    expect(await problemsOf({ 'prox.json5': text })).toEqual([]);
  });
});

describe('upstreams', () => {
  it.each(['localhost', 'a:1/api', 'a/api', 'ws://a:1', 'wss://a/x', '[::1]'])('%s', async (upstream) => {
    const { action } = await loadRoute(`{ action: { type: 'proxy', upstream: '${upstream}' } }`);
    expect((action as ProxyConfig).upstream).toBe(upstream);
  });

  it('targets without a port, with a path', async () => {
    const text = `{ balancer: { type: 'random', targets: ['a', 'b:1/x', '10.0.0.1'] }, action: { type: 'proxy', upstream: '{target}' } }`;
    expect((await loadRoute(text)).balancer?.targets).toHaveLength(3);
  });

  it('of pass still need a port, as a relay has no default one', async () => {
    const text = root(`routes: [{ match: { domain: 'a.b' }, action: { type: 'pass', upstream: 'a' } }]`);
    expect((await problemsOf({ 'prox.json5': text })).join()).toContain('the port is missing');
  });
});

describe('what is not set', () => {
  it.each([`''`, 'null'])('is a problem as %s where it guards the door', async (value) => {
    const problems = await problemsOf({
      'prox.json5': root(`tls: true, tls_client_ca: ${value}, routes: [{ action: 'a' }]`),
    });
    expect(problems.join()).toContain('tls_client_ca');
  });

  it('may be written as null', async () => {
    const config = await load({
      'prox.json5': root(
        `tls: null, tls_cert: null, acme: null, plugins: null, config: null, routes: [
          { match: null, set: null, balancer: null, speed: null, plugins: null, plugin_timeout: null, access_log: null, action: 'a' }]`,
        `logging: { level: null, access_log: null, rotate: null }, admin: null, plugins: null, resources: null,
         actions: { a: { type: 'proxy', upstream: 'a:1', timeout: null, headers: null, fallback: null, proto: null, stream: null, upstream_tls: { ca: null, insecure: null } } }`,
      ).replace('upstream_tls: { ca: null, insecure: null }', 'upstream_tls: null'),
    });
    expect(config.services[0]).toMatchObject({ tls: null, plugins: [], limits: DEFAULT_LIMITS });
    expect(config.services[0]?.routes[0]).toMatchObject({ match: null, balancer: null, accessLog: null });
    expect(config.logging).toMatchObject({ level: null, accessLog: null });
    expect(config.admin).toBeNull();
  });

  it('may be written as an empty text', async () => {
    const config = await load({
      'prox.json5': root(
        `tls_cert: '', tls_key: '', config: { idle_timeout: '' }, routes: [
          { match: { domain: '', path: '/x' }, access_log: '', action: { type: 'static', status: 200, body_ref: '' } },
          { action: { type: 'proxy', upstream: 'a:1', fallback: '', timeout: '', proto: '' } },
          { action: { type: 'serve', root: '', file: 'x.html' } }]`,
        `logging: { level: '', access_log: '', error_log: '' }`,
      ),
      'x.html': '',
    });
    const [service] = config.services;
    expect(service?.limits).toEqual(DEFAULT_LIMITS);
    expect(service?.routes[0]).toMatchObject({
      match: { domain: null, paths: ['/x'] },
      accessLog: null,
      action: { body: null },
    });
    expect(service?.routes[1]?.action).toMatchObject({ timeout: null, fallback: null });
    expect(config.logging).toMatchObject({ level: null, accessLog: null, errorLog: null });
  });

  it('in files of services and routes, too', async () => {
    const config = await load({
      'prox.json5': `{ services: { a: './a.json5' } }`,
      'a.json5': `{ listen: ':1', tls_cert: '', actions: null, routes: ['r.json5'] }`,
      'r.json5': `[{ match: null, action: { type: 'drop', access_log: '' } }]`,
    });
    expect(config.services[0]?.routes[0]?.match).toBeNull();
  });

  it('stays what it is where it means something', async () => {
    const { action } = await loadRoute(
      `{ set: { a: '' }, action: { type: 'static', status: 200, headers: { 'X-A': '' }, body_ref: { json: { a: null, b: '' } } } }`,
    );
    expect(action).toMatchObject({ headers: { 'X-A': '' } });
    expect(Buffer.from((action as { body: { body: Uint8Array } }).body.body).toString()).toBe('{"a":null,"b":""}');
  });

  it.each([
    [
      `routes: [{ action: null }]`,
      '1:55: services.web.routes[0].action: expected the name of an action, or an action, found null',
    ],
    [
      `routes: [{ action: { type: 'proxy', upstream: '' } }]`,
      '1:82: services.web.routes[0].action.upstream: expected an upstream: "host:port", "http://…", "https://…" or "unix:///…", found an empty string',
    ],
    [`routes: null`, '1:44: services.web.routes: expected a list of routes, found null'],
    [
      `routes: [{ match: { domain: '', path: '' }, action: { type: 'drop' } }]`,
      '1:54: services.web.routes[0].match: expected `domain` or `path`; leave `match` out to match everything',
    ],
  ])('is missing where it is needed: %s', async (service, problem) => {
    const problems = await problemsOf({ 'prox.json5': root(service) });
    expect(problems).toEqual([`prox.json5:${problem}`]);
  });
});

describe('files that are not there yet', () => {
  it.each([
    ["root: 'dist'", 'the folder', 'dist'],
    ["file: 'dist/index.html'", 'the file', 'dist/index.html'],
  ])('serve with %s is warned of', async (what, kind, path) => {
    const config = await load({ 'prox.json5': root(`routes: [{ action: { type: 'serve', ${what} } }]`) });
    expect(config.warnings.map(({ message }) => message.replaceAll(/\/[^ ]*\/prox-config-[^/]*\//g, ''))).toEqual([
      `${kind} ${path} cannot be read: it does not exist; requests get 404 until it is there`,
    ]);
    expect(config.files.map((file) => file.replace(/^.*\/prox-config-[^/]*\//, ''))).toContain(path);
  });
});

describe('pass', () => {
  it('takes a target that a plugin starts', async () => {
    const route = await loadRoute(
      `{ match: { domain: 'a.b' }, balancer: { type: 'random' }, action: { type: 'pass', upstream: '{target}' } }`,
      `plugins: { cron: { path: './cron', autostart: true } }`,
    );
    expect((route.action as PassConfig).upstream).toBe('{target}');
  });
});
