import { expect, it } from 'vitest';
import { MemoryExchange } from '../../exchange/testing/memory-exchange.ts';
import { Fields } from '../../message/index.ts';
import { compileLimitKey } from './limit-key.ts';

it.each(['?id=abc', '?id=%61bc', '?%69d=a%62c', '?id=&id=abc', '?x=%&id=abc&id=b', '?i%64=%61%62%63&idx=1'])(
  'tells no other client apart by another spelling of a query: %s',
  (query) => {
    expect(compileLimitKey({ by: 'query', name: 'id' })(new MemoryExchange({ query }))).toBe('abc');
  },
);

it.each([
  ['?na%C3%AFf=%C3%a9+1', '\u00c3\u00a9 1'],
  ['?na%C3%AFf=%zz%2', '%zz%2'],
  ['?naf=1&na%C3=2&%', ''],
])('reads %s as upstreams do, byte by byte', (query, key) => {
  expect(compileLimitKey({ by: 'query', name: 'na\u00eff' })(new MemoryExchange({ query }))).toBe(key);
});

it.each([['id=; id=abc'], ['x=1;id=; id= ; id=abc; id=b'], ['id=', 'id=abc']])(
  'passes over empty cookies: %j',
  (...lines) => {
    const fields = Fields.of(lines.map((line) => ['Cookie', line]));
    expect(compileLimitKey({ by: 'cookie', name: 'id' })(new MemoryExchange({ fields }))).toBe('abc');
  },
);

it.each([[['', 'abc']], [['', '', 'abc']]])('passes over empty fields: %j', (values) => {
  const fields = Fields.of(values.map((value) => ['X-Key', value]));
  expect(compileLimitKey({ by: 'header', name: 'X-Key' })(new MemoryExchange({ fields }))).toBe('abc');
});

it('finds no key where there is none, or an empty one', () => {
  const exchange = new MemoryExchange({ query: '?id&id=&xid=1', fields: { Cookie: 'id; id=; xid=1', 'X-Id': '1' } });
  for (const by of ['query', 'cookie', 'header'] as const)
    expect(compileLimitKey({ by, name: 'id' })(exchange)).toBe('');
});
