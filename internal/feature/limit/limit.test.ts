import { describe, expect, it } from 'vitest';
import { load, problemsOf } from '../../config/testing/config-folder.ts';
import { type Action, EffectiveRequest, type Filter, ResponseHead, Run, type Verdict } from '../../exchange/index.ts';
import { memoryContext } from '../../exchange/testing/memory-context.ts';
import { MemoryExchange, type MemoryRequest } from '../../exchange/testing/memory-exchange.ts';
import { Fields, NO_BODY } from '../../message/index.ts';
import { limit } from './index.ts';
import type { LimitConfig } from './limit-filter.ts';

function textOf(entry: string): string {
  return `{
  plugins: { a: { category: 'limit', ${entry} } },
  services: { web: { listen: ':1', routes: [{ action: { type: 'static', status: 200 }, plugins: ['a'] }] } },
}`;
}

async function problems(entry: string): Promise<string[]> {
  const found = await problemsOf({ 'prox.json5': textOf(entry) }, 'prox.json5', [limit]);
  return found.map((problem) => problem.replace(/^prox\.json5:2:\d+: plugins\.a[.:] ?/, ''));
}

async function filterOf(entry: string): Promise<Filter> {
  const { plugins } = await load({ 'prox.json5': textOf(entry) }, 'prox.json5', [limit]);
  const { config } = plugins['a'] as { readonly config: LimitConfig };
  return limit.compile(structuredClone(config), memoryContext(limit));
}

/** What a verdict comes to. */
async function decided(verdict: Verdict | undefined): Promise<Action | null> {
  if (!(verdict instanceof Run)) return verdict ?? null;
  return new Promise((resolve, reject) => verdict.start(resolve, reject));
}

/** Sends a request through the filter. @returns whether it was admitted */
async function admits(filter: Filter, request: MemoryRequest = {}): Promise<boolean> {
  return (await decided(filter.onRequest?.(new MemoryExchange(request)))) === null;
}

describe('keys', () => {
  it.each([
    [`tag: 'header', key: 'X-Key'`, { fields: { 'x-key': 'a' } }, { fields: { 'X-KEY': 'b' } }],
    [`tag: 'cookie', key: 'id'`, { fields: { Cookie: 'x=1; id=a' } }, { fields: { Cookie: 'id=b; id=a' } }],
    [`tag: 'query', key: 'id'`, { query: '?x&id=a' }, { query: '?id=b&id=a' }],
    [`tag: 'query', key: 'id'`, { query: `?id=${'a'.repeat(500)}` }, { query: `?id=${'a'.repeat(499)}b` }],
  ])('are counted apart, and no key is not limited: %s', async (entry, one, other) => {
    const filter = await filterOf(`max: 1, ${entry}`);
    expect(await admits(filter, one)).toBe(true);
    expect(await admits(filter, one)).toBe(false);
    expect(await admits(filter, other)).toBe(true);
    for (let i = 0; i < 3; i++) {
      expect(
        await admits(filter, { query: '?id=&idx=2&xid=3&id', fields: { Cookie: 'idx=2; xid=3; id', X: 'id' } }),
      ).toBe(true);
    }
  });

  it('are addresses unless something else is said', async () => {
    const filter = await filterOf('max: 2');
    expect([await admits(filter), await admits(filter), await admits(filter)]).toEqual([true, true, false]);
  });
});

describe('a refusal', () => {
  it('is a 429 that says when to come again, and so do the fields of every response', async () => {
    const filter = await filterOf(`max: 1, interval: '10s', weight: 100`);
    const fieldsOf = (exchange: MemoryExchange): Fields => {
      const head = new ResponseHead(200, '', new Fields(), NO_BODY, false);
      filter.onResponse?.(exchange, head);
      return head.fields;
    };
    const first = new MemoryExchange();
    expect(await decided(filter.onRequest?.(first))).toBeNull();
    expect(fieldsOf(first).get('RateLimit-Policy')).toBe('"a";q=1;w=10');
    expect(fieldsOf(first).get('RateLimit')).toBe('"a";r=0;t=10');
    const second = new MemoryExchange();
    (await decided(filter.onRequest?.(second)))?.handle(second);
    expect(second.status).toBe(429);
    expect(second.body.toString()).toBe('Plugin limit, exceed limit 2/1');
    expect(second.field('Retry-After')).toBe('10');
    expect(second.field('Cache-Control')).toBe('private, no-cache');
    expect(fieldsOf(second).get('RateLimit')).toBe('"a";r=0;t=10');
    // A request that the limit has not seen.
    expect(fieldsOf(new MemoryExchange()).get('RateLimit')).toBeNull();
  });

  it('of too many under way says nothing of time', async () => {
    const filter = await filterOf(`type: 'inflight', max: 1`);
    const [first, second, third] = [new MemoryExchange(), new MemoryExchange(), new MemoryExchange()];
    const outcome = { status: 200, bytesIn: 0, bytesOut: 0, error: null, started: 0 };
    expect(await decided(filter.onRequest?.(first))).toBeNull();
    (await decided(filter.onRequest?.(second)))?.handle(second);
    expect(second.body.toString()).toBe('Plugin limit, exceed limit 2/1');
    expect(second.field('Retry-After')).toBeNull();
    // The end of a refused one frees nothing, nor does a second end of the same one.
    filter.onEnd?.(second, outcome);
    expect(await admits(filter)).toBe(false);
    filter.onEnd?.(first, outcome);
    filter.onEnd?.(first, outcome);
    expect(await decided(filter.onRequest?.(third))).toBeNull();
    expect(await admits(filter)).toBe(false);
  });
});

it('counts what is sent to an upstream once, whatever the attempts', async () => {
  const filter = await filterOf(`max: 2, step: 'proxy_upstream'`);
  expect(filter.onRequest).toBeUndefined();
  const exchange = new MemoryExchange();
  const attempt = new EffectiveRequest(exchange);
  for (let i = 0; i < 5; i++) expect(await decided(filter.onUpstreamRequest?.(exchange, attempt))).toBeNull();
  const other = new MemoryExchange();
  expect(await decided(filter.onUpstreamRequest?.(other, attempt))).toBeNull();
  expect(await decided(filter.onUpstreamRequest?.(new MemoryExchange(), attempt))).not.toBeNull();
});

describe('problems', () => {
  it.each([
    ['', 'expected'],
    ['max: 0', 'from 1'],
    [`max: 1, interval: '0s'`, 'requests in no time'],
    [`max: 1, type: 'rates'`, 'did you mean'],
    [`max: 1, weight: 101`, 'from 0 to 100'],
    [`max: 1, tag: 'header'`, 'expected the name of the header field'],
    [`max: 1, tag: 'cookie', key: 'a b'`, 'expected the name of a cookie'],
    [`max: 1, step: 'response'`, 'does not fit here'],
  ])('are found: %s', async (entry, text) => {
    const found = await problems(entry);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(text);
  });
});
