import { describe, expect, it } from 'vitest';
import { problemsOf } from './testing/config-folder.ts';

/**
 * One row a mistake: a route, then the problem, with the column counted from the start of the route's line. Other lines of
 * the config stay the same, so that every position reads as `5:column`.
 */
type Row = readonly [route: string, ...problems: string[]];

const ACTIONS = `
    pool: { type: 'proxy', upstream: 'http://{target}:{port}', fallback: 'other' },
    other: { type: 'proxy', upstream: 'other:{backup}' },
    site: { type: 'static', status: 200 },
    pass: { type: 'pass', upstream: '{target}' },`;

async function problems(route: string): Promise<readonly string[]> {
  const text = `{
  services: {
    web: {
      listen: ':8080', routes: [
${route},
      ],
    },
  },
  actions: {${ACTIONS}
  },
}`;
  return problemsOf({ 'prox.json5': text, 'public/index.html': 'hi' });
}

function expectRows(rows: readonly Row[]): void {
  it.each(rows)('%s', async (route, ...expected) => {
    const lines = await problems(route);
    expect(lines.map((line) => line.replace(/^prox\.json5:5:(\d+): services\.web\.routes\[0\]/, '$1'))).toEqual(
      expected,
    );
  });
}

describe('route', () => {
  expectRows([
    [`{ action: 'site' }`],
    [`{}`, '1.action: is required: expected the name of an action, or an action'],
    [`7`, '1: expected a route, or the path of a file of routes, found the number 7'],
    [`{ action: 7 }`, '11.action: expected the name of an action, or an action, found the number 7'],
    [`{ action: '' }`, '11.action: expected the name of an action, or an action, found the string ""'],
    [`{ action: 'sites' }`, '11.action: there is no action `sites`; did you mean `site`?'],
    [`{ action: 'zzz' }`, '11.action: there is no action `zzz`; known actions: `pool`, `other`, `site`, `pass`'],
    [`{ actoin: 'site', action: 'site' }`, '3.actoin: unknown key `actoin`; did you mean `action`?'],
    [
      `{ action: 'sites', set: [] }`,
      '11.action: there is no action `sites`; did you mean `site`?',
      '25.set: expected an object of variables, found an array',
    ],
    [
      `{ action: 'site', plugin_timeout: 0 }`,
      '35.plugin_timeout: expected a duration above 0, found the number 0: a plugin needs some time to answer',
    ],
    [
      `{ action: 'site', plugins: ['auth'] }`,
      '29.plugins[0]: no plugin `auth` is registered in `plugins`, and it is no path',
    ],
    [`{ action: 'site', plugins: ['./auth', '/opt/auth'] }`],
    [
      `{ action: 'site', access_log: false }`,
      '31.access_log: expected the path of the access log, or "off", found false',
    ],
    [
      `{ action: 'site', set: { 'a b': 'x' } }`,
      '26.set["a b"]: expected a name of letters, digits, "_", "-" and ".", found "a b"',
    ],
    [
      `{ action: 'site', set: { target: 'x' } }`,
      '26.set.target: `target` is filled by the balancer; expected another name',
    ],
  ]);
});

describe('match', () => {
  expectRows([
    [`{ action: 'site', match: {} }`, '26.match: expected `domain` or `path`; leave `match` out to match everything'],
    [
      `{ action: 'site', match: { methods: ['GET'] } }`,
      '26.match: expected `domain` or `path`; leave `match` out to match everything',
    ],
    [`{ action: 'site', match: { path: '/', methods: [] } }`],
    [
      `{ action: 'site', match: { path: '/', methods: ['get', 'G T'] } }`,
      '56.match.methods[1]: expected an HTTP method such as "GET", found "G T"',
    ],
    [
      `{ action: 'site', match: { domain: 'com', path: 'x' } }`,
      '36.match.domain: expected labels joined with dots, as in "example.com", "*.example.com", "cdn-*.example.com" or "*.storage.**", found "com": at least two labels',
      '49.match.path: expected an exact path ("/health") or a prefix ("/api/*"), several separated by commas, found "x": "x" must begin with "/"',
    ],
    [`{ action: 'site', match: { host: 'a.b' } }`, '28.match.host: unknown key `host`; did you mean `domain`?'],
  ]);
});

describe('balancer and templates', () => {
  const pool = `balancer: { type: 'random', targets: ['a', 'b'] }, set: { port: '1', backup: '2' }`;
  expectRows([
    [`{ action: 'pool', ${pool} }`],
    [`{ action: 'pool', plugins: ['./p'], balancer: { type: 'leastconn' }, set: { port: '1', backup: '2' } }`],
    [`{ action: 'pool', plugins: ['./p'], set: { port: '1', backup: '2' } }`],
    [
      `{ action: 'pool', set: { prt: '1', backup: '2' } }`,
      '11.action: the upstream "http://{target}:{port}" of the action `pool` needs a `balancer` on the route',
      '11.action: the upstream "http://{target}:{port}" of the action `pool` needs `port` in the `set` of the route; did you mean `prt`?',
    ],
    [
      `{ action: 'pool', balancer: { type: 'random', targets: ['a'] }, set: { port: '1' } }`,
      '11.action: the upstream "other:{backup}" of the fallback `other` needs `backup` in the `set` of the route; set: `port`',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'http://{traget}' }, set: { port: '1' } }`,
      '38.action.upstream: the upstream "http://{traget}" needs `traget` in the `set` of the route; did you mean `target`?',
    ],
    [`{ action: 'site', ${pool} }`, '29.balancer: a balancer needs a proxy or a pass action, found static'],
    [
      `{ action: { type: 'proxy', upstream: 'a:1' }, balancer: { type: 'twochoices', targets: ['a'] } }`,
      '38.action.upstream: with a balancer, the upstream of the action must contain `{target}`, found "a:1"',
    ],
    [
      `{ action: 'other', balancer: { type: 'random', targets: ['a'] }, set: { backup: '1' } }`,
      '30.balancer: with a balancer, the upstream of the action `other` must contain `{target}`, found "other:{backup}"',
    ],
    [
      `{ action: { type: 'proxy', upstream: '{target}' }, balancer: { type: 'random', targets: ['a:1', 'a:1', 'b'] } }`,
      '97.balancer.targets[1]: the target "a:1" is repeated; expected each once',
    ],
    [
      `{ action: { type: 'proxy', upstream: '{target}' }, balancer: { type: 'random', targets: [] } }`,
      '89.balancer.targets: expected at least one target, or plugins that fill them',
    ],
    [
      `{ action: { type: 'proxy', upstream: '{target}' }, balancer: { type: 'random' } }`,
      '62.balancer.targets: expected at least one target, or plugins that fill them',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:{p}' }, set: { p: 'x' } }`,
      '38.action.upstream: the upstream "a:{p}" does not become an address: expected "host:port", "http://host", "https://host" or "unix:///path", found "a:x": the host or the port is malformed',
    ],
    [
      `{ action: { type: 'proxy', upstream: '{target}' }, balancer: { type: 'robin', targets: ['a b', ''] } }`,
      '70.balancer.type: expected "roundrobin", "random", "leastconn" or "twochoices", found the string "robin"',
      '89.balancer.targets[0]: expected a target such as "10.0.0.1:8080", found "a b"',
      '96.balancer.targets[1]: expected a target such as "10.0.0.1:8080", found an empty string',
    ],
  ]);
});

describe('speed', () => {
  expectRows([
    [`{ action: 'site', speed: { download_mbps: 0.5 } }`],
    [`{ action: 'site', speed: { download_mbps: 0, upload_mbps: 2, shared: true } }`],
    [`{ action: 'site', speed: {} }`, '26.speed: expected `download_mbps` or `upload_mbps` above 0'],
    [`{ action: 'site', speed: { upload_mbps: 0 } }`, '26.speed: expected `download_mbps` or `upload_mbps` above 0'],
    [
      `{ action: 'site', speed: { upload_mbps: -1, download_mbps: '5' } }`,
      '41.speed.upload_mbps: expected a number of megabits a second, 0 or more (at most 1000000), found -1',
      '60.speed.download_mbps: expected a number of megabits a second, 0 or more, found the string "5"',
    ],
  ]);
});

describe('proxy', () => {
  expectRows([
    [`{ action: { type: 'proxy', upstream: 'unix:///run/a.sock', proto: 'h2', timeout: 0, proxy_protocol: 'v2' } }`],
    [`{ action: { type: 'proxy', upstream: 'https://a', proto: '', stream: true, preserve_host: true } }`],
    [
      `{ action: { type: 'proxy' } }`,
      '11.action.upstream: is required: expected an upstream: "host:port", "http://…", "https://…" or "unix:///…"',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'ftp://a' } }`,
      '38.action.upstream: expected "host:port", "http://host", "https://host" or "unix:///path", found "ftp://a": the scheme `ftp` is not known here',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', proto: 'h2', stream: true } }`,
      '52.action.proto: `proto: "h2"` and `stream` exclude each other: HTTP/2 streams both ways by itself',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'https://a', proto: 'h2' } }`,
      '58.action.proto: `proto: "h2"` is HTTP/2 without TLS; expected an `http://` upstream, or `proto` left out: on `https://` HTTP/2 is negotiated',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', proto: 'h3' } }`,
      '52.action.proto: expected "h2", found the string "h3"; did you mean `h2`?',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', fallback: 'pass' } }`,
      '55.action.fallback: `pass` is a pass action; a fallback runs after the request was read, expected another kind',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', fallback: 'sit' } }`,
      '55.action.fallback: there is no action `sit`; did you mean `site`?',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', headers: { 'Content-Length': '1', 'X A': '', Host: 'a b', 'x-a': '', 'X-A': 'b\\n' } } }`,
      '56.action.headers.Content-Length: the header Content-Length cannot be set by hand: prox sets it as the message and the connection need it'.replace(
        '["Content-Length"]',
        '.Content-Length',
      ),
      '79.action.headers["X A"]: expected a header name of letters, digits and "-", found "X A"',
      '96.action.headers.Host: expected a host with an optional port for Host, found "a b"',
      '121.action.headers.X-A: the header is set twice: header names are compared without case, and `x-a` is above',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', headers: { 'X-A': '{cleint}', Host: '{path}.b', 'X-B': '{a}' } } }`,
      '63.action.headers.X-A: unknown placeholder `{cleint}`; did you mean `{client}`?',
      '81.action.headers.Host: Host may hold the placeholders `{domain}`, `{host}`, `{match.domain}`, `{match.glob}`, found `{path}`',
      '100.action.headers.X-B: unknown placeholder `{a}`; known: `{domain}`, `{domain.pattern}`, `{match.domain}`, `{match.glob}`, `{path}`, `{match.path}`, `{method}`, `{host}`, `{query}`, `{uri}`, `{scheme}`, `{client}`, `{request_id}`, `{tls.client.subject}`, `{tls.client.fingerprint}`',
    ],
    [`{ action: { type: 'proxy', upstream: 'a:1', headers: { Host: '{match.domain}.internal:80' } } }`],
    [`{ action: { type: 'proxy', upstream: 'a:1', headers: { Host: '{host}', 'X-C': '{client} {scheme}' } } }`],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', headers: { Host: '{host}:80' } } }`,
      '62.action.headers.Host: expected a host with an optional port for Host, found "{host}:80"',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', headers: { 'X-A': 'b\\r\\nc' } } }`,
      '63.action.headers.X-A: expected a header value of printable ASCII, found the character U+000D in "b\\r\\nc"',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', upstream_tls: {} } }`,
      '59.action.upstream_tls: `upstream_tls` needs an upstream that begins with `https://`',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'https://a', upstream_tls: { cert: 'public/index.html' } } }`,
      '73.action.upstream_tls.cert: `cert` needs `key` beside it',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'https://a', upstream_tls: { ca: 'ca.pem' } } }`,
      '71.action.upstream_tls.ca: expected the path of a file, but ca.pem cannot be read: it does not exist',
    ],
    [
      `{ action: { type: 'proxy', upstream: 'a:1', proxy_protocol: true } }`,
      '61.action.proxy_protocol: expected "v1" or "v2", found true',
    ],
  ]);
});

describe('static, serve, pass and drop', () => {
  expectRows([
    [
      `{ action: { type: 'static', status: 100 } }`,
      '37.action.status: expected a status from 200 to 599, found 100: a 1xx response is only ever a step on the way to another',
    ],
    [`{ action: { type: 'static', status: 600 } }`, '37.action.status: expected a status from 200 to 599, found 600'],
    [
      `{ action: { type: 'static', status: '200' } }`,
      '37.action.status: expected a status from 200 to 599, found the string "200"',
    ],
    [
      `{ action: { type: 'static', status: 200, body_ref: 'zzz' } }`,
      "52.action.body_ref: there is no resource `zzz`; did you mean { text: 'zzz' }?",
    ],
    [
      `{ action: { type: 'static', status: 200, body_ref: {} } }`,
      '52.action.body_ref: expected exactly one of `text`, `json` and `file`, found none of them',
    ],
    [
      `{ action: { type: 'static', status: 200, body_ref: { text: '', json: null } } }`,
      '52.action.body_ref: expected exactly one of `text`, `json` and `file`, found `text` and `json`',
    ],
    [
      `{ action: { type: 'static', status: 200, body_ref: { text: '{domian}' } } }`,
      '60.action.body_ref.text: unknown placeholder `{domian}`; did you mean `{domain}`?',
    ],
    [
      `{ action: { type: 'static', status: 200, body_ref: { json: ['{methd}'] } } }`,
      '60.action.body_ref.json: unknown placeholder `{methd}`; did you mean `{method}`?',
    ],
    [
      `{ action: { type: 'static', status: 200, headers: { Location: 'https://{hosts}/' } } }`,
      '63.action.headers.Location: unknown placeholder `{hosts}`; did you mean `{host}`?',
    ],
    [
      `{ action: { type: 'static', status: 301, headers: { Location: 'https://{host}{path}?{querry}' } } }`,
      '63.action.headers.Location: unknown placeholder `{querry}`; did you mean `{query}`?',
    ],
    [
      `{ action: { type: 'static', status: 200, body_ref: { text: 'a {b}' } } }`,
      '60.action.body_ref.text: unknown placeholder `{b}`; known: `{domain}`, `{domain.pattern}`, `{match.domain}`, `{match.glob}`, `{path}`, `{match.path}`, `{method}`, `{host}`, `{query}`, `{uri}`, `{scheme}`, `{client}`, `{request_id}`, `{tls.client.subject}`, `{tls.client.fingerprint}`; `raw: true` beside it sends braces as they are',
    ],
    [`{ action: { type: 'static', status: 200, body_ref: { text: 'a {b} {domian}', raw: true } } }`],
    [`{ action: { type: 'static', status: 200, body_ref: { json: { a: '/users/{id}' }, raw: true } } }`],
    [
      `{ action: { type: 'static', status: 200, body_ref: { json: { a: '/users/{clients}' } } } }`,
      '60.action.body_ref.json: unknown placeholder `{clients}`; did you mean `{client}`?',
    ],
    [
      `{ action: { type: 'static', status: 200, body_ref: { file: 'none.txt' } } }`,
      '60.action.body_ref.file: expected the path of a file, but none.txt cannot be read: it does not exist',
    ],
    [`{ action: { type: 'serve', root: 'public' } }`],
    [`{ action: { type: 'serve', root: 'public', cache: { size: '64m', max_file_size: 65536, max_age: '5s' } } }`],
    [`{ action: { type: 'serve', root: 'public', cache: { size: 0, max_file_size: 0, max_age: 0 } } }`],
    [
      `{ action: { type: 'serve', root: 'public', cache: { size: '64x' } } }`,
      '59.action.cache.size: expected a size such as "10m" (k, m, g), or a number of bytes, found the string "64x": the units are k, m, g, kib, mib, gib (powers of 1024) and kb, mb, gb (powers of 1000)',
    ],
    [
      `{ action: { type: 'serve', root: 'public', cache: { max_size: 1 } } }`,
      '53.action.cache.max_size: unknown key `max_size`; known keys: `size`, `max_file_size`, `max_age`',
    ],
    [`{ action: { type: 'serve' } }`, '11.action: expected exactly one of `root` (a folder) and `file`, found neither'],
    [
      `{ action: { type: 'serve', root: 'public', file: 'public/index.html' } }`,
      '11.action: expected exactly one of `root` (a folder) and `file`, found both',
    ],
    [
      `{ action: { type: 'serve', root: 'public/index.html' } }`,
      '34.action.root: expected the path of a folder, but public/index.html is a file',
    ],
    [
      `{ action: { type: 'serve', file: 'public' } }`,
      '34.action.file: expected the path of a file, but public is a folder',
    ],
    [`{ match: { domain: 'a.b' }, action: { type: 'pass', upstream: 'a:1', proxy_protocol: 'v1' } }`],
    [
      `{ action: { type: 'pass', upstream: 'a:1' } }`,
      '1: a route with a pass action needs `match.domain`: it is chosen by the name in the TLS ClientHello',
    ],
    [
      `{ match: { path: '/', methods: ['GET'] }, action: { type: 'pass', upstream: 'a:1' } }`,
      '10.match: a route with a pass action needs `match.domain`: it is chosen by the name in the TLS ClientHello',
      '18.match.path: a route with a pass action cannot match a path: it is encrypted; expected `domain` alone',
      '32.match.methods: a route with a pass action cannot match methods: they are encrypted; expected `domain` alone',
    ],
    [
      `{ match: { domain: 'a.b' }, action: { type: 'pass', upstream: 'https://a' } }`,
      '63.action.upstream: expected "host:port" or "unix:///path", found "https://a": the scheme `https` is not known here',
    ],
    [
      `{ action: { type: 'drop', status: 200 } }`,
      '27.action.status: unknown key `status`; only actions of type `static` have it',
    ],
    [
      `{ action: { type: 'prxy' } }`,
      '19.action.type: expected "proxy", "static", "serve", "pass" or "drop", found the string "prxy"; did you mean `proxy`?',
    ],
    [`{ action: {} }`, '11.action.type: is required: expected "proxy", "static", "serve", "pass" or "drop"'],
  ]);
});
