import { describe, expect, it } from 'vitest';
import { DEFAULT_HEAD_LIMITS } from '../../http1/index.ts';
import { CHUNKED, NO_BODY } from '../../message/index.ts';
import { readResponseFields, responseFramingOf, statusOf } from './http2-response.ts';

describe('statusOf', () => {
  it.each([[100], [103], [200], [599]])('takes %s', (status) => {
    expect(statusOf(status)).toBe(status);
  });

  it.each([[99], [101], [600], [Number.NaN], [undefined]])('refuses %s', (status) => {
    expect(() => statusOf(status)).toThrow(/:status/);
  });
});

describe('readResponseFields', () => {
  it('reads names and values, and leaves pseudo-fields out', () => {
    const fields = readResponseFields([':status', '200', 'a', '1', 'a', '2'], DEFAULT_HEAD_LIMITS);
    expect([...fields.entries()]).toEqual([
      ['a', '1'],
      ['a', '2'],
    ]);
  });

  it.each(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'])('refuses %s', (name) => {
    expect(() => readResponseFields([name, 'x'], DEFAULT_HEAD_LIMITS)).toThrow(/HTTP\/1\.1 connections/);
  });

  it.each([
    ['fields', { ...DEFAULT_HEAD_LIMITS, maxHeaders: 1 }],
    ['bytes', { ...DEFAULT_HEAD_LIMITS, maxHeaderBytes: 10 }],
  ])('refuses too many %s', (_, limits) => {
    expect(() => readResponseFields(['a', '1', 'b', '2'], limits)).toThrow(/larger than/);
  });
});

describe('responseFramingOf', () => {
  it.each([
    ['GET', 200, [], false, CHUNKED],
    ['GET', 200, [], true, NO_BODY],
    ['GET', 200, ['content-length', '3'], false, 3],
    ['HEAD', 200, ['content-length', '3'], true, NO_BODY],
    ['GET', 304, ['content-length', '3'], true, NO_BODY],
    ['GET', 204, [], true, NO_BODY],
  ])('%s answered with %s, fields %j, ended %s: %s', (method, status, raw, ended, framing) => {
    const fields = readResponseFields(raw, DEFAULT_HEAD_LIMITS);
    expect(responseFramingOf(fields, status, method, ended)).toBe(framing);
  });

  it('refuses a length without its body', () => {
    const fields = readResponseFields(['content-length', '3'], DEFAULT_HEAD_LIMITS);
    expect(() => responseFramingOf(fields, 200, 'GET', true)).toThrow(/shorter/);
  });
});
