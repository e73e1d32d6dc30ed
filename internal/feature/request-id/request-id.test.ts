import { describe, expect, it } from 'vitest';
import { load, problemsOf } from '../../config/testing/config-folder.ts';
import { EffectiveRequest, requestIdOf, ResponseHead } from '../../exchange/index.ts';
import { memoryContext } from '../../exchange/testing/memory-context.ts';
import { MemoryExchange, type MemoryRequest } from '../../exchange/testing/memory-exchange.ts';
import { Fields, NO_BODY } from '../../message/index.ts';
import type { RequestIdConfig } from './build.ts';
import { requestId } from './index.ts';
import { makeNanoid, makeUuid } from './make-id.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;

function textOf(entry: string): string {
  return `{
  plugins: { a: { category: 'request_id', ${entry} } },
  services: { web: { listen: ':1', routes: [{ action: { type: 'static', status: 200 }, plugins: ['a'] }] } },
}`;
}

async function filterOf(entry: string) {
  const { plugins } = await load({ 'prox.json5': textOf(entry) }, 'prox.json5', [requestId]);
  const { config } = plugins['a'] as { readonly config: RequestIdConfig };
  // As in a worker.
  return requestId.compile(structuredClone(config), memoryContext());
}

function answer(): ResponseHead {
  return new ResponseHead(200, 'OK', new Fields(), NO_BODY, false);
}

/** The id that the upstream and the client get. */
async function idOf(entry: string, request: MemoryRequest, name = 'X-Request-Id'): Promise<string> {
  const filter = await filterOf(entry);
  const exchange = new MemoryExchange(request);
  expect(filter.onRequest?.(exchange)).toBeNull();
  const response = answer();
  filter.onResponse?.(exchange, response);
  const upstream = exchange.editRequest().requestFields.get(name);
  expect(response.fields.get(name)).toBe(upstream);
  expect(requestIdOf(exchange)).toBe(upstream);
  return upstream ?? '';
}

describe('request_id', () => {
  it('makes a UUID of version 7 by default', async () => {
    expect(await idOf('', {})).toMatch(UUID);
  });

  it.each([
    [`algorithm: 'nanoid'`, 8],
    [`algorithm: 'nanoid', size: 21`, 21],
    [`algorithm: 'nanoid', size: 128`, 128],
  ])('makes nanoids with %s', async (entry, length) => {
    const id = await idOf(entry, {});
    expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(id).toHaveLength(length);
  });

  it('sends it under the name that is configured', async () => {
    expect(await idOf(`header_name: 'X-Trace'`, {}, 'X-Trace')).toMatch(UUID);
  });

  it.each(['a', 'A-z_0.9', 'x'.repeat(128)])('accepts %j from a trusted peer', async (sent) => {
    expect(await idOf('', { trusted: true, fields: { 'x-request-id': sent } })).toBe(sent);
  });

  it.each(['', 'a b', 'a,b', 'a"b', 'caf\u00e9', 'x'.repeat(129), '<script>', '../a/b'])(
    'replaces %j from a trusted peer',
    async (sent) => {
      expect(await idOf('', { trusted: true, fields: { 'X-Request-Id': sent } })).toMatch(UUID);
    },
  );

  it('replaces what two fields bring', async () => {
    const exchange = new MemoryExchange({ trusted: true });
    exchange.requestFields.append('X-Request-Id', 'a');
    exchange.requestFields.append('x-request-id', 'b');
    const filter = await filterOf('');
    filter.onRequest?.(exchange);
    expect(exchange.editRequest().requestFields.get('x-request-id')).toMatch(UUID);
    expect(exchange.requestFields.get('x-request-id')).toBe('a, b');
  });

  it('replaces what anybody else sends', async () => {
    expect(await idOf('', { fields: { 'X-Request-Id': 'mine' } })).toMatch(UUID);
    expect(await idOf('traceparent: true', { fields: { traceparent: TRACEPARENT } })).toMatch(UUID);
  });

  it.each([
    ['traceparent: true', { traceparent: TRACEPARENT }, TRACE],
    ['traceparent: true', { traceparent: TRACEPARENT, 'X-Request-Id': 'own' }, 'own'],
    ['traceparent: true', { traceparent: `01-${TRACE}-00f067aa0ba902b7-01-more` }, TRACE],
    ['', { traceparent: TRACEPARENT }, UUID],
    ['traceparent: true', { traceparent: TRACEPARENT.replace('00', 'ff') }, UUID],
    ['traceparent: true', { traceparent: `00-${'0'.repeat(32)}-00f067aa0ba902b7-01` }, UUID],
    ['traceparent: true', { traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }, UUID],
    ['traceparent: true', { traceparent: TRACEPARENT.toUpperCase() }, UUID],
    ['traceparent: true', { traceparent: TRACE }, UUID],
  ] as const)('with %s takes from %j', async (entry, fields, expected) => {
    const id = await idOf(entry, { trusted: true, fields });
    if (typeof expected === 'string') expect(id).toBe(expected);
    else expect(id).toMatch(expected);
  });

  it('shares the id with another plugin of the category', async () => {
    const [one, other] = [await filterOf(''), await filterOf(`algorithm: 'nanoid', header_name: 'X-Other'`)];
    const exchange = new MemoryExchange();
    one.onRequest?.(exchange);
    other.onRequest?.(exchange);
    const { requestFields } = exchange.editRequest();
    expect(requestFields.get('X-Other')).toBe(requestFields.get('X-Request-Id'));
  });

  it('gives an id to answers whose requests it has not seen', async () => {
    const filter = await filterOf('');
    const exchange = new MemoryExchange();
    const response = answer();
    filter.onResponse?.(exchange, response);
    expect(response.fields.get('x-request-id')).toBe(requestIdOf(exchange));
    expect(requestIdOf(exchange)).toMatch(UUID);
  });

  it('leaves one field in an answer that has several', async () => {
    const filter = await filterOf('');
    const exchange = new MemoryExchange();
    const response = answer();
    response.fields.append('x-request-id', 'of the upstream');
    filter.onRequest?.(exchange);
    filter.onResponse?.(exchange, response);
    expect([...response.fields.entries()]).toEqual([['X-Request-Id', requestIdOf(exchange)]]);
  });

  it('with step proxy_upstream waits for an upstream, and gives each attempt the same id', async () => {
    const filter = await filterOf(`step: 'proxy_upstream'`);
    expect(filter.onRequest).toBeUndefined();
    const exchange = new MemoryExchange();
    const unseen = answer();
    filter.onResponse?.(exchange, unseen);
    expect(unseen.fields.get('x-request-id')).toBeNull();
    const attempts = [new EffectiveRequest(exchange), new EffectiveRequest(exchange)];
    for (const attempt of attempts) expect(filter.onUpstreamRequest?.(exchange, attempt)).toBeNull();
    const ids = attempts.map(({ requestFields }) => requestFields.get('x-request-id'));
    const response = answer();
    filter.onResponse?.(exchange, response);
    expect(ids[0]).toMatch(UUID);
    expect([ids[1], response.fields.get('x-request-id')]).toEqual([ids[0], ids[0]]);
    expect(exchange.requestFields.get('x-request-id')).toBeNull();
  });

  it.each([
    [`algorithm: 'snowflake'`, 'algorithm: expected "uuid" or "nanoid", found the string "snowflake"'],
    [`size: 12`, 'size: `size` goes with `algorithm: "nanoid"`'],
    [`algorithm: 'nanoid', size: 0`, 'size: expected a number of characters from 1 to 128, found 0'],
    [`header_name: 'a b'`, 'header_name: expected a header name'],
    [`header_name: 'Content-Length'`, 'header_name: the header Content-Length cannot be set by hand'],
    [`step: 'response'`, 'step: the step "response" does not fit here: expected "request" or "proxy_upstream"'],
  ])('refuses { %s }', async (entry, problem) => {
    const found = await problemsOf({ 'prox.json5': textOf(entry) }, 'prox.json5', [requestId]);
    expect(found.map((each) => each.replace(/^prox\.json5:2:\d+: plugins\.a\./, ''))).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});

describe('ids', () => {
  it('never repeat, across many draws', () => {
    const ids = Array.from({ length: 20_000 }, (_, n) => (n % 2 === 0 ? makeUuid(Date.now()) : makeNanoid(21)));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('use every character of a nanoid, and every random bit of a UUID', () => {
    expect(new Set(Array.from({ length: 300 }, () => makeNanoid(128)).join('')).size).toBe(64);
    const bits = Array.from({ length: 300 }, () => BigInt(`0x${makeUuid(0).replaceAll('-', '')}`));
    const [ever, always] = [bits.reduce((sum, id) => sum | id), bits.reduce((sum, id) => sum & id)];
    // The time is 0, the version 7, the variant 0b10; all other bits are set at times, and at times not.
    expect(ever.toString(16).padStart(32, '0')).toBe('0000000000007fffbfffffffffffffff');
    expect(always.toString(16).padStart(32, '0')).toBe('00000000000070008000000000000000');
  });

  it('of version 7 begin with their time', () => {
    expect(makeUuid(0x0123_4567_89ab)).toMatch(/^01234567-89ab-7/);
    expect(makeUuid(1)).toMatch(/^00000000-0001-7/);
  });
});
