import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { load, problemsOf } from '../../config/testing/config-folder.ts';
import { ResponseHead } from '../../exchange/index.ts';
import { memoryContext } from '../../exchange/testing/memory-context.ts';
import { MemoryExchange, type MemoryRequest } from '../../exchange/testing/memory-exchange.ts';
import { Fields, NO_BODY } from '../../message/index.ts';
import type { ResponseHeadersConfig } from './build.ts';
import { responseHeaders } from './index.ts';

function textOf(entry: string): string {
  return `{
  plugins: { a: { category: 'response_headers', ${entry} } },
  services: { web: { listen: ':1', routes: [{ action: { type: 'static', status: 200 }, plugins: ['a'] }] } },
}`;
}

async function problemOf(entry: string): Promise<string> {
  const found = await problemsOf({ 'prox.json5': textOf(entry) }, 'prox.json5', [responseHeaders]);
  expect(found).toHaveLength(1);
  return found[0]?.replace(/^prox\.json5:2:\d+: plugins\.a[.:] ?/, '') ?? '';
}

async function configOf(entry: string): Promise<ResponseHeadersConfig> {
  const { plugins } = await load({ 'prox.json5': textOf(entry) }, 'prox.json5', [responseHeaders]);
  // As in a worker.
  return structuredClone((plugins['a'] as { readonly config: ResponseHeadersConfig }).config);
}

const context = memoryContext();

interface Response {
  readonly status?: number;
  readonly fields?: readonly (readonly [string, string])[];
}

/** What becomes of a response: its status and its fields, in order. */
async function changed(entry: string, response: Response = {}, request: MemoryRequest = {}): Promise<string> {
  const filter = responseHeaders.compile(await configOf(entry), context);
  const exchange = new MemoryExchange(request);
  const { status = 200, fields = [] } = response;
  const head = new ResponseHead(status, '', Fields.of(fields), NO_BODY, false);
  filter.onResponse?.(exchange, head);
  expect(filter.onUpstreamResponse?.(exchange, head) ?? null).toBeNull();
  return [String(head.status), ...[...head.fields.entries()].map(([name, value]) => `${name}: ${value}`)].join(' | ');
}

describe('response_headers', () => {
  it.each([
    ['adds beside what is there', `add: { 'X-A': 'b' }`, [['x-a', 'a']], '200 | x-a: a | X-A: b'],
    [
      'adds several fields of a name',
      `add: { 'Set-Cookie': ['a=1', 'b=2'] }`,
      [],
      '200 | Set-Cookie: a=1 | Set-Cookie: b=2',
    ],
    [
      'removes in any case',
      `remove: ['SERVER']`,
      [
        ['Server', 'a'],
        ['server', 'b'],
        ['X', 'c'],
      ],
      '200 | X: c',
    ],
    [
      'sets in place of all',
      `set: { 'X-A': 'new' }`,
      [
        ['x-a', '1'],
        ['X', 'c'],
        ['X-a', '2'],
      ],
      '200 | X: c | X-A: new',
    ],
    ['sets what is not there', `not_exists: { 'X-A': 'new', 'X-B': 'new' }`, [['x-a', '1']], '200 | x-a: 1 | X-B: new'],
    [
      'renames every field of a name',
      `rename: { 'X-Old': 'X-New' }`,
      [
        ['x-old', '1'],
        ['X-New', '0'],
        ['X-OLD', '2'],
      ],
      '200 | X-New: 1 | X-New: 0 | X-New: 2',
    ],
    ['renames nothing where there is nothing', `rename: { 'X-Old': 'X-New' }`, [['X', '1']], '200 | X: 1'],
    [
      'works in one order, whatever the order of the keys',
      `rename: { A: 'Z' }, not_exists: { A: 'exists' }, set: { A: 'set', B: 'set' }, remove: ['A', 'C'], add: { A: 'added', C: 'added' }`,
      [['A', 'old']],
      '200 | Z: set | B: set',
    ],
    [
      'takes the lists of pingap',
      `add_headers: ['X-A: a:b '], set_headers: ['X-B:c'], remove_headers: ['X-C'], set_headers_not_exists: ['X-D: d'], rename_headers: ['X-E: X-F']`,
      [
        ['X-C', 'c'],
        ['X-E', 'e'],
      ],
      '200 | X-F: e | X-A: a:b | X-B: c | X-D: d',
    ],
    ['takes both forms at once', `set_headers: ['X-A: a'], set: { 'X-B': 'b' }`, [], '200 | X-A: a | X-B: b'],
    ['answers with another status', `status: 404`, [], '404'],
  ] as const)('%s', async (_, entry, fields, expected) => {
    expect(await changed(entry, { fields })).toBe(expected);
  });

  it.each([
    [`status: '404'`, 404, true],
    [`status: '404'`, 403, false],
    [`status: 404`, 404, true],
    [`status: '2xx, 404'`, 204, true],
    [`status: '2xx,404'`, 404, true],
    [`status: '2xx,404'`, 301, false],
    [`status: '5XX'`, 599, true],
    [`type: 'text/*'`, 200, true],
    [`type: 'TEXT/HTML, application/json'`, 200, true],
    [`type: '*/*'`, 200, true],
    [`type: 'text/htm'`, 200, false],
    [`type: 'application/*'`, 200, false],
    [`status: '4xx', type: 'text/html'`, 404, true],
    [`status: '4xx', type: 'text/html'`, 200, false],
    [`status: '4xx', type: 'image/png'`, 404, false],
  ])('with when: { %s }, changes a %d of text/html: %s', async (when, status, applies) => {
    const fields = [['content-type', 'Text/html; charset=utf-8']] as const;
    const result = await changed(`set: { 'X-A': 'a' }, when: { ${when} }`, { status, fields });
    expect(result.includes('X-A: a')).toBe(applies);
  });

  it('takes an answer without a type for none but */*', async () => {
    expect(await changed(`set: { A: 'a' }, when: { type: 'text/*' }`)).toBe('200');
    expect(await changed(`set: { A: 'a' }, when: { type: '*/*' }`)).toBe('200 | A: a');
  });

  it('fills placeholders anywhere in a value, always with a valid one', async () => {
    const request = { path: '/a', query: '?q=%0d%0aX: y\r\nEvil: 1', host: 'b.example' };
    expect(
      await changed(`set: { 'X-A': 'on {host} for {path}: {query}' }, add: { 'X-B': '{method}' }`, {}, request),
    ).toBe('200 | X-B: GET | X-A: on example.com:8080 for /a: q=%0d%0aX: y%0D%0AEvil: 1');
  });

  it.each([
    ['{header.user-agent}', 'curl/8'],
    ['[{header.X-Absent}]', '[]'],
    ['{cookie.id} {cookie.none}.', '42 .'],
    ['{query.q}', 'a%0d%0ab'],
    ['{query.x}{cookie.x}', ''],
    ['{header.X-Name}', 'caf\u00c3\u00a9'],
    ['$host', 'example.com'],
    ['$scheme', 'http'],
    ['$remote_addr', '127.0.0.1'],
    ['$http_user_agent', 'curl/8'],
    ['$http_x_absent', ''],
    ['$hostname', hostname()],
    ['costs $5', 'costs $5'],
    ['$5.00', '$5.00'],
  ])('has for %s the value %j', async (value, expected) => {
    const fields = { 'User-Agent': 'curl/8', Cookie: 'theme=dark; id=42', 'X-Name': 'caf\u00c3\u00a9' };
    const request = { path: '/', query: '?p=1&q=a%0d%0ab&q=2', fields };
    const set = JSON.stringify(value);
    expect(await changed(`set: { A: ${set} }`, {}, request)).toBe(`200 | A: ${expected}`);
    expect(await changed(`set_headers: [${JSON.stringify(`A: ${value}`)}]`, {}, request)).toBe(`200 | A: ${expected}`);
  });

  it('changes responses of upstreams alone in the mode upstream', async () => {
    const filter = responseHeaders.compile(await configOf(`set: { 'X-A': 'a' }, mode: 'upstream'`), context);
    expect(filter.onResponse).toBeUndefined();
    expect(await changed(`set: { 'X-A': 'a' }, mode: 'upstream'`)).toBe('200 | X-A: a');
  });

  it.each([
    [``, 'expected something to change: `set`, `add`, `remove`, `not_exists`, `rename` or `status`'],
    [`set_headers: ['X-A']`, 'set_headers[0]: expected a field as "Name: value", found "X-A": there is no ":"'],
    [
      `add_headers: ['X-A: a', 'X A: b']`,
      'add_headers[1]: expected a header name of letters, digits and "-", found "X A"',
    ],
    [`set: { 'Content-Length': '5' }`, 'set.Content-Length: the header Content-Length cannot be set by hand'],
    [`rename: { 'X-A': 'Transfer-Encoding' }`, 'rename.X-A: the header Transfer-Encoding cannot be set by hand'],
    [`rename_headers: ['X-A']`, 'rename_headers[0]: expected names as "Old: New", found "X-A": there is no ":"'],
    [`set: { 'X-A': '{hosst}' }`, 'set.X-A: unknown placeholder `{hosst}`; did you mean `{host}`?'],
    [`set: { 'X-A': '$server_port' }`, 'set.X-A: there is no variable "$server_port"; known: `$host`, `$hostname`'],
    [`set: { 'X-A': '$hosts' }`, 'set.X-A: there is no variable "$hosts"; did you mean `$host`?'],
    [`set: { 'X-A': 'a\\nb' }`, 'set.X-A: expected a header value of printable ASCII, found the character U+000A'],
    [`set: { 'X-A': 'a', 'x-a': 'b' }`, '`x-a` stands twice under `set`'],
    [`set: { 'X-A': 'a' }, set_headers: ['x-a: b']`, '`X-A` stands twice under `set`'],
    [`status: 199`, 'status: expected a status from 200 to 599, found 199'],
    [
      `set: { A: 'a' }, when: { status: '1xx' }`,
      'when.status: expected statuses from 200 to 599 and classes such as "4xx"',
    ],
    [`set: { A: 'a' }, when: { type: 'text' }`, 'when.type: expected media types such as "text/*"'],
    [`set: { A: 'a' }, when: { statu: '2xx' }`, 'when.statu: unknown key `statu`; did you mean `status`?'],
    [
      `set: { A: 'a' }, mode: 'upsteam'`,
      'mode: expected "response" or "upstream", found the string "upsteam"; did you mean `upstream`?',
    ],
    [`set: { A: 'a' }, step: 'response'`, 'step: unknown key `step`'],
  ])('refuses { %s }', async (entry, problem) => {
    expect(await problemOf(entry)).toContain(problem);
  });
});
