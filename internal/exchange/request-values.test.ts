import { describe, expect, it } from 'vitest';
import { Fields } from '../message/index.ts';
import { cookieValue, fieldValue, queryValue } from './request-values.ts';

describe('values of a request', () => {
  const fields = Fields.of([
    ['X-A', '1'],
    ['Cookie', 'a=1;b = 2; c=x=y;a=3'],
    ['x-a', '2'],
    ['cookie', 'd=4'],
    ['X-List', 'p, q'],
  ]);

  it.each([
    ['x-a', '1'],
    ['x-list', 'p, q'],
    ['x-none', ''],
  ])('a field is its first line: %s', (name, value) => expect(fieldValue(fields, name)).toBe(value));

  it.each([
    ['a', '1'],
    ['c', 'x=y'],
    ['d', '4'],
    ['b', ''],
    ['A', ''],
    ['', ''],
  ])('a cookie is the first of its name: %s', (name, value) => expect(cookieValue(fields, name)).toBe(value));

  it.each([
    ['?a=1&b=2', 'b', '2'],
    ['?a=%20+x&a=2', 'a', '%20+x'],
    ['?ab=1&a', 'a', ''],
    ['?', 'a', ''],
    ['', 'a', ''],
    ['?a=', 'a', ''],
    ['?&&a=1', 'a', '1'],
  ])('of the query %s, %s is %j', (query, name, value) => expect(queryValue(query, name)).toBe(value));
});
