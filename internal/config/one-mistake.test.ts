import { describe, expect, it } from 'vitest';
import { problemsOf } from './testing/config-folder.ts';

const DROP = `{ action: { type: 'drop' } }`;

function service(rest: string, routes = DROP): string {
  return `{ services: { web: { listen: ':1', routes: [${routes}], ${rest} } } }`;
}

function route(text: string): string {
  return service('', text);
}

function action(text: string): string {
  return route(`{ action: ${text} }`);
}

/** What newcomers write, and the one problem that they are told, without its position. */
const MISTAKES: readonly (readonly [string, string])[] = [
  [action(`{ type: 'static', status: 200, body: 'x' }`), 'action.body: unknown key `body`; did you mean `body_ref`?'],
  [
    action(`{ type: 'static', status: 200, body_ref: 'Hello' }`),
    `action.body_ref: there is no resource \`Hello\`; did you mean { text: 'Hello' }?`,
  ],
  [action(`{ type: 'static', status: 200, text: 'x' }`), 'action.text: unknown key `text`; it belongs into `body_ref`'],
  [action(`{ type: 'static', code: 200 }`), 'action.code: unknown key `code`; did you mean `status`?'],
  [action(`{ type: 'static', root: '.' }`), 'action.root: unknown key `root`; only actions of type `serve` have it'],
  [
    action(`{ type: 'redirect', to: '/b' }`),
    'action.type: expected "proxy", "static", "serve", "pass" or "drop", found the string "redirect"; this version has no redirects of their own: write { type: "static", status: 308, headers: { Location: "https://{host}{uri}" } }',
  ],
  [
    action(`{ type: 'reverse_proxy', upstream: 'a:1' }`),
    'action.type: expected "proxy", "static", "serve", "pass" or "drop", found the string "reverse_proxy"; did you mean `proxy`?',
  ],
  [action(`{ type: 'proxy', upstraem: 'a:1' }`), 'action.upstraem: unknown key `upstraem`; did you mean `upstream`?'],
  [action(`{ type: 'proxy', target: 'a:1' }`), 'action.target: unknown key `target`; did you mean `upstream`?'],
  [action(`{ type: 'serve', directory: '.' }`), 'action.directory: unknown key `directory`; did you mean `root`?'],
  [route(`{ path: '/a', action: { type: 'drop' } }`), 'path: unknown key `path`; it belongs into `match`'],
  [route(`{ upstream: 'a:1' }`), 'upstream: unknown key `upstream`; it belongs into `action`'],
  [
    route(`{ targets: ['a:1'], action: { type: 'proxy', upstream: 'http://{target}' } }`),
    'targets: unknown key `targets`; it belongs into `balancer`',
  ],
  [service(`idle_timeout: '5s'`), 'services.web.idle_timeout: unknown key `idle_timeout`; it belongs into `config`'],
  [
    service(`tls_cert: 'a.crt', tls_key: 'a.key'`),
    'services.web.tls_cert: `tls_cert` needs `tls: true`; with `tls: false` it is kept but not used',
  ],
  [
    `{ services: { web: { port: 8080, routes: [${DROP}] } } }`,
    'services.web.port: unknown key `port`; did you mean `listen`?',
  ],
  [
    `{ services: { web: { listen: ':1', route: [${DROP}] } } }`,
    'services.web.route: unknown key `route`; did you mean `routes`?',
  ],
  [
    `{ servers: { web: { listen: ':1', routes: [${DROP}] } } }`,
    'servers: unknown key `servers`; did you mean `services`?',
  ],
  [
    `{ listen: ':1', routes: [${DROP}] }`,
    'this is a service file: serve its folder, or name it in the `services` of a root file',
  ],
  [`{ ${service('').slice(1, -1)}, level: 'debug' }`, 'level: unknown key `level`; it belongs into `logging`'],
];

describe('one mistake is one problem', () => {
  it.each(MISTAKES)('%s', async (text, problem) => {
    const lines = await problemsOf({ 'prox.json5': text });
    expect(lines.map((line) => line.replace(/^prox\.json5:1:\d+: (?:services\.web\.routes\[0\]\.)?/, ''))).toEqual([
      problem,
    ]);
  });

  it.each(['constructor', 'toString', '__proto_'])('also of the key %s', async (name) => {
    const lines = await problemsOf({ 'prox.json5': service(`${name}: 1`) });
    expect(lines).toEqual([expect.stringContaining(`unknown key \`${name}\``)]);
  });

  it('and two are two', async () => {
    const lines = await problemsOf({ 'prox.json5': route(`{ match: { host: 'a.b' }, action: 'none' }`) });
    expect(lines.map((line) => line.replace(/^prox\.json5:1:\d+: services\.web\.routes\[0\]\./, ''))).toEqual([
      'match.host: unknown key `host`; did you mean `domain`?',
      'action: there is no action `none`',
    ]);
  });

  it('but for a key that is missing besides', async () => {
    const lines = await problemsOf({ 'prox.json5': action(`{ type: 'static', body: 'x' }`) });
    expect(lines).toHaveLength(2);
  });
});
