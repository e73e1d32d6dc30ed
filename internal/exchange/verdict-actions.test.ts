import { expect, it } from 'vitest';
import type { Action } from './exchange.ts';
import { MemoryExchange } from './testing/memory-exchange.ts';
import { Answer, FALLBACK } from './verdict-actions.ts';
import { Fields } from '../message/index.ts';

const page: Action = { handle: (exchange) => new Answer(200, new Fields(), 'a page').handle(exchange) };

it.each([
  ['GET', page, 'respond 200'],
  ['CONNECT', page, 'fail no_target'],
  ['CONNECT', { ...page, takesConnect: true }, 'respond 200'],
  ['GET', null, 'fail no_target'],
])('the fallback of a route for %s', (method, fallback, first) => {
  const exchange = new MemoryExchange({ method, route: { action: { fallback, handle: () => {} } } });
  FALLBACK.handle(exchange);
  expect(exchange.events[0]).toBe(first);
});
