import { describe, expect, it } from 'vitest';
import { Fields, RESPONSE_DROP } from '../../message/index.ts';
import { http2Head } from './http2-response-head.ts';

type Pairs = readonly (readonly [name: string, value: string])[];

function headOf(pairs: Pairs, also: ReadonlySet<string> | null = null): Record<string, unknown> {
  return { ...http2Head(Fields.of(pairs), RESPONSE_DROP, also).fields };
}

describe('a field section for HTTP/2', () => {
  it('has its names in lower case', () => {
    expect(headOf([['X-Upper', 'Value']])).toEqual({ 'x-upper': 'Value' });
  });

  it.each([
    'Connection',
    'HTTP2-Settings',
    'Keep-Alive',
    'Proxy-Connection',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
    'keep-alive',
  ])('is without %s, which is for one hop', (name) => {
    expect(
      headOf([
        [name, 'x'],
        ['a', 'b'],
      ]),
    ).toEqual({ a: 'b' });
  });

  it('is without further names, in whatever case they came', () => {
    expect(
      headOf(
        [
          ['Content-Length', '1'],
          ['a', 'b'],
        ],
        new Set(['content-length']),
      ),
    ).toEqual({ a: 'b' });
  });

  it('joins lines of a name in the order of coming (RFC 9110 §5.3)', () => {
    const pairs: Pairs = [
      ['Vary', 'a'],
      ['X', 'y'],
      ['vary', 'b'],
      ['VARY', 'c'],
    ];
    expect(headOf(pairs)).toEqual({ vary: 'a, b, c', x: 'y' });
  });

  it.each([1, 2, 3])('keeps %d lines of Set-Cookie apart', (count) => {
    const cookies = Array.from({ length: count }, (_, i) => `c${i}=1, 2`);
    const [first] = cookies;
    expect(headOf(cookies.map((cookie) => ['Set-Cookie', cookie] as const))).toEqual({
      'set-cookie': count === 1 ? first : cookies,
    });
  });

  it('takes names that are special to objects for what they are', () => {
    const { fields } = http2Head(
      Fields.of([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
      RESPONSE_DROP,
    );
    expect(Object.entries(fields)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('counts what it has as text, and not what was left out', () => {
    const { bytes } = http2Head(
      Fields.of([
        ['Aa', 'bbb'],
        ['Connection', 'close'],
        ['c', ''],
        ['aa', 'd'],
      ]),
      RESPONSE_DROP,
    );
    expect(bytes).toBe('aa: bbb\r\nc: \r\naa: d\r\n'.length);
  });
});
