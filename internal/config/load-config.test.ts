import { describe, expect, it } from 'vitest';
import { makePair } from '../../tests/testing/certificates.ts';
import type { ActionConfig, Config, ProxyConfig, StaticConfig } from './config.ts';
import { loadConfig } from './load-config.ts';
import { TEST_FEATURES } from './testing/features.ts';
import { DEFAULT_LIMITS } from './schema/limits.ts';
import { ConfigFolder, load } from './testing/config-folder.ts';

const pair = makePair({ alternatives: 'DNS:a.test' });

/** Everything that a file written for the Go prox may say, in its spelling. */
const GO_STYLE = {
  'prox.json5': `{
  // comments and trailing commas
  logging: { level: "info", access_log: "/dev/stdout", error_log: "logs/error.log" },
  plugins: { discovery: { path: "./plugins/discovery" }, cron: { path: "/opt/cron.go", autostart: true } },
  admin: { listen: "127.0.0.1:9090", token: "secret" },
  services: {
    shop: {
      listen: ":8080",
      routes: [
        { match: { path: "/up", methods: ["GET"] }, action: { type: "static", status: 200, headers: { "Content-Type": "application/json" }, body_ref: { json: { up: true } } } },
        { match: { path: "/v2/*" }, access_log: "logs/v2.log", action: "backend" },
        "./routes/extra.json5",
        { match: { path: "/*" }, action: "pages" },
      ],
    },
    edge: {
      listen: ":8443", tls: true, tls_cert: "certs/",
      plugins: ["discovery"],
      config: {
        read_timeout: "5m", write_timeout: "5m", idle_timeout: 120, response_header_timeout: "1m30s", dial_timeout: "250ms",
        keep_alive: "30s", max_idle_conns: 100, max_idle_conns_per_host: 10, tls_handshake_timeout: "10s",
        read_buffer_size: "4k", write_buffer_size: 4096, h2_read_idle_timeout: "30s", h2_ping_timeout: "15s",
        flush_interval: -1, disable_compression: true, max_connections: 10000,
      },
      routes: [
        { match: { domain: "*.l4.example.com" }, balancer: { type: "roundrobin", targets: ["10.0.0.5:443", "10.0.0.6:443"] }, action: { type: "pass", upstream: "{target}" } },
        { match: { domain: "*.**", path: "/ws, /ws/*" }, balancer: { type: "leastconn", fallback: true }, speed: { download_mbps: 50, upload_mbps: 0.5 }, set: { port: "8080" }, plugin_timeout: "2s", action: "dynamic" },
        { match: { domain: "Hello.Example.com" }, action: { type: "static", status: 200, body_ref: "hello" } },
        { match: { domain: "*.**" }, action: { type: "proxy", upstream: "https://backend.internal", headers: { Host: "public.example.com" }, access_log: "off" } },
        { action: { type: "drop" } },
      ],
    },
    auto: { listen: "unix:///run/auto.sock", acme: { email: "a@example.com", challenge: "dns", dns: { provider: "cloudflare" }, domains: ["*.example.com"] }, h2: false, routes: [{ action: "pages" }] },
    api: "./api.json5",
    _more: "./more/",
  },
  actions: {
    backend: { type: "proxy", upstream: "localhost:3000", timeout: "10s", access_log: "logs/backend.log" },
    pages: { type: "serve", root: "./public" },
    dynamic: { type: "proxy", upstream: "{target}:{port}", fallback: "spare", plugins: ["./plugins/a", "discovery"] },
    spare: { type: "proxy", upstream: "https://spare.internal", proto: "", stream: true },
  },
  resources: { hello: { text: "Hello {domain}" } },
}`,
  'routes/extra.json5': `{ routes: [{ match: { path: "/grpc/*" }, action: { type: "proxy", upstream: "localhost:3501", proto: "h2" } }, "more.json5"] }`,
  'routes/more.json5': `[{ match: { path: "/app/*" }, action: { type: "serve", file: "../public/index.html" } }]`,
  'api.json5': `{ listen: ":8081", routes: [{ action: "local" }, { action: "backend" }], actions: { local: { type: "static", status: 404, body_ref: "none" } }, resources: { none: { file: "more/none.html" } } }`,
  'more/one.json5': `{ listen: ":8082", routes: [{ action: "pages" }] }`,
  'more/two.json5': `{ listen: ":8083", routes: [{ action: "local" }] }`,
  'more/none.html': '<p>none</p>',
  'more/notes.txt': 'not a service',
  'more/.hidden.json5': 'not a service',
  'more/deeper/x.json5': 'not a service',
  'public/index.html': 'hi',
  'logs/': '',
  'certs/a.crt': pair.cert,
  'certs/a.key': pair.key,
};

function services(config: Config): Record<string, readonly string[]> {
  return Object.fromEntries(
    config.services.map(({ name, routes }) => [name, routes.map((route) => `${route.id} ${route.action.type}`)]),
  );
}

function body(action: ActionConfig | undefined): string {
  return Buffer.from((action as StaticConfig).body?.body as Uint8Array).toString();
}

describe('a config with every feature', () => {
  it('loads unchanged', async () => {
    const config = await load(GO_STYLE);
    expect(services(config)).toEqual({
      shop: ['shop:0 static', 'shop:1 proxy', 'shop:2 proxy', 'shop:3 serve', 'shop:4 serve'],
      edge: ['edge:0 pass', 'edge:1 proxy', 'edge:2 static', 'edge:3 proxy', 'edge:4 drop'],
      auto: ['auto:0 serve'],
      api: ['api:0 static', 'api:1 proxy'],
      one: ['one:0 serve'],
      two: ['two:0 static'],
    });
  });

  it('resolves names, paths and plugins', async () => {
    const folder = new ConfigFolder(GO_STYLE);
    const config = await loadConfig(folder.at('prox.json5'), TEST_FEATURES);
    folder.remove();
    const [shop, edge, auto, api] = config.services;
    expect(config.logging).toEqual({
      level: 'info',
      accessLog: '/dev/stdout',
      accessFormat: 'json',
      errorLog: folder.at('logs/error.log'),
      rotate: null,
    });
    expect(config.plugins).toEqual({
      discovery: { category: null, path: folder.at('plugins/discovery'), autostart: false },
      cron: { category: null, path: '/opt/cron.go', autostart: true },
    });
    expect(config.admin).toMatchObject({ listen: { host: '127.0.0.1', port: 9090 }, token: 'secret' });
    expect(shop?.routes[1]).toMatchObject({
      accessLog: folder.at('logs/v2.log'),
      action: { name: 'backend', timeout: 10_000 },
    });
    expect(shop?.routes[3]?.action).toMatchObject({ file: folder.at('public/index.html'), root: null });
    expect(shop?.routes[3]?.position).toEqual({ file: folder.at('routes/more.json5'), line: 1, column: 2 });
    expect(edge?.tls).toEqual({
      certificates: [
        {
          ...pair,
          names: ['a.test'],
          keyType: 'ec',
          certPath: folder.at('certs/a.crt'),
          keyPath: folder.at('certs/a.key'),
        },
      ],
      h2: true,
      acme: null,
      clientCa: null,
      clientAuth: null,
      protocol: { min: '1.2', max: '1.3', ciphers: null, curves: null },
    });
    expect(edge?.routes[1]?.plugins).toEqual(['discovery', folder.at('plugins/a')]);
    expect(edge?.routes[3]?.accessLog).toBe('off');
    expect(auto?.tls).toMatchObject({
      certificates: [],
      h2: false,
      acme: { email: 'a@example.com', storage: folder.at('acme') },
    });
    expect(api?.routes[1]?.accessLog).toBe(folder.at('logs/backend.log'));
    expect(api?.routes[1]?.action).toBe(shop?.routes[1]?.action);
    expect(config.files).toEqual(
      [
        'prox.json5',
        'routes/extra.json5',
        'routes/more.json5',
        'api.json5',
        'more',
        'more/one.json5',
        'more/two.json5',
        'more/none.html',
        'certs',
        'certs/a.crt',
        'certs/a.key',
      ].map((name) => folder.at(name)),
    );
  });

  it('decodes values', async () => {
    const config = await load(GO_STYLE);
    const [shop, edge] = config.services;
    expect(edge?.limits).toEqual({
      ...DEFAULT_LIMITS,
      readTimeout: 300_000,
      writeTimeout: 300_000,
      responseHeaderTimeout: 90_000,
      dialTimeout: 250,
      maxIdleConns: 100,
      maxIdleConnsPerHost: 10,
      readBufferSize: 4096,
      writeBufferSize: 4096,
      h2ReadIdleTimeout: 30_000,
      maxConnections: 10_000,
    });
    expect(shop?.limits).toEqual(DEFAULT_LIMITS);
    expect(edge?.routes[1]).toMatchObject({
      match: { domain: '*.**', paths: ['/ws', '/ws/*'], methods: [] },
      balancer: { type: 'leastconn', targets: [], fallback: true },
      speed: { downloadMbps: 50, uploadMbps: 0.5, shared: false },
      set: { port: '8080' },
      pluginTimeout: 2000,
    });
    expect(edge?.routes[2]?.match?.domain).toBe('hello.example.com');
    expect(edge?.routes[4]?.match).toBeNull();
    const dynamic = edge?.routes[1]?.action as ProxyConfig;
    expect(dynamic.fallback).toMatchObject({
      name: 'spare',
      upstream: 'https://spare.internal',
      proto: null,
      stream: true,
    });
    expect(body(shop?.routes[0]?.action)).toBe('{"up":true}');
    expect(shop?.routes[0]?.action).toMatchObject({ body: { contentType: 'application/json' } });
    expect(body(edge?.routes[2]?.action)).toBe('Hello {domain}');
    const file = config.services[3]?.routes[0]?.action as StaticConfig;
    expect(file.body).toMatchObject({ kind: 'file', contentType: 'text/html; charset=utf-8' });
    expect(body(file)).toBe('<p>none</p>');
  });

  it('is frozen all the way down, and survives being sent to a worker', async () => {
    const config = await load(GO_STYLE);
    const loose: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
      if (!Object.isFrozen(value)) loose.push(path);
      for (const [key, part] of Object.entries(value)) visit(part, `${path}.${key}`);
    };
    visit(config, 'config');
    expect(loose).toEqual([]);
    // Uint8Array is what a Buffer becomes on the way.
    expect(JSON.stringify(structuredClone(config).services.map((each) => each.routes.length))).toBe('[5,5,1,2,1,1]');
  });
});

describe('a folder as the config', () => {
  it('holds a service for each file, sorted, without a root file', async () => {
    const config = await load(
      {
        'conf/b.json5': `{ $schema: "x", listen: ":2", routes: [{ action: "shared" }] }`,
        'conf/a.json5': `{ listen: ":1", routes: [{ action: "shared" }], actions: { shared: { type: "drop" } } }`,
        'conf/readme.md': '#',
      },
      'conf',
    );
    expect(services(config)).toEqual({ a: ['a:0 drop'], b: ['b:0 drop'] });
    expect(config.files.map((file) => file.split('/').at(-1))).toEqual(['conf', 'a.json5', 'b.json5']);
  });
});

describe('values of the additions', () => {
  it('carries TLS towards clients and upstreams, and the PROXY protocol', async () => {
    const config = await load({
      'prox.json5': `{ services: { a: {
        listen: ':1', tls: true, tls_cert: 'c.pem', tls_key: 'k.pem', tls_client_ca: 'c.pem', tls_client_auth: 'request',
        config: { trusted_proxies: ['10.1.1.1/8', '::1'], proxy_protocol: true, header_timeout: '100us' },
        routes: [{ action: { type: 'proxy', upstream: 'https://a', upstream_tls: { ca: 'c.pem', insecure: true, server_name: 'b', cert: 'c.pem', key: 'k.pem' }, proxy_protocol: 'v2', preserve_host: true } }],
      } }, logging: { rotate: { frequency: '6h', size: '10m', keep: 3 } } }`,
      'c.pem': pair.cert,
      'k.pem': pair.key,
    });
    const [service] = config.services;
    expect(config.logging.rotate).toEqual({ frequency: 21_600_000, size: 10_485_760, keep: 3 });
    expect(service?.tls).toMatchObject({
      clientAuth: 'request',
      clientCa: pair.cert,
      certificates: [{ ...pair, keyType: 'ec' }],
    });
    expect(service?.limits).toMatchObject({
      trustedProxies: ['10.0.0.0/8', '::1/128'],
      proxyProtocol: true,
      headerTimeout: 1,
    });
    expect(service?.routes[0]?.action).toMatchObject({
      upstreamTls: { insecure: true, serverName: 'b', ca: pair.cert, ...pair },
      proxyProtocol: 'v2',
      preserveHost: true,
    });
  });
});

describe('what a serve action keeps in memory', () => {
  const DEFAULTS = { size: 16_777_216, maxFileSize: 1_048_576, maxAge: 1000 };
  it.each([
    ['', DEFAULTS],
    [', cache: {}', DEFAULTS],
    [`, cache: { size: '1.5k' }`, { ...DEFAULTS, size: 1536 }],
    [', cache: { size: 0, max_file_size: 0, max_age: 0 }', { size: 0, maxFileSize: 0, maxAge: 0 }],
    [`, cache: { max_file_size: 9, max_age: '2m' }`, { ...DEFAULTS, maxFileSize: 9, maxAge: 120_000 }],
  ])('%s', async (cache, expected) => {
    const config = await load({
      'prox.json5': `{ services: { a: { listen: ':1', routes: [{ action: { type: 'serve', root: '.'${cache} } }] } } }`,
    });
    expect(config.services[0]?.routes[0]?.action).toMatchObject({ cache: expected });
  });
});

describe('a config of 10,000 routes', () => {
  it('lets the event loop turn while it loads', async () => {
    const routes = Array.from(
      { length: 10_000 },
      (_, index) => `{ match: { domain: "t${index}.example.com" }, action: "a" }`,
    );
    const folder = new ConfigFolder({
      'prox.json5': `{ services: { a: { listen: ":1", routes: [${routes.join()}] } }, actions: { a: { type: "drop" } } }`,
    });
    let turns = 0;
    let loading = true;
    const count = (): void => {
      turns++;
      if (loading) setImmediate(count);
    };
    count();
    const config = await loadConfig(folder.at('prox.json5'), TEST_FEATURES);
    loading = false;
    folder.remove();
    expect(config.services[0]?.routes).toHaveLength(10_000);
    expect(turns).toBeGreaterThan(15);
  });
});
