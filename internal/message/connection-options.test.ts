import { describe, expect, it } from 'vitest';
import { ConnectionOption, persists, takeConnectionOptions } from './connection-options.ts';
import { FieldId } from './field-names.ts';
import { parsedFields } from './testing/parsed-fields.ts';

const { close, keepAlive, upgrade } = ConnectionOption;

describe('takeConnectionOptions, RFC 9110 §7.6.1', () => {
  const CASES: readonly [name: string, lines: readonly string[], options: number, kept: readonly string[]][] = [
    ['no Connection', ['a: 1'], 0, ['a']],
    ['an empty one', ['Connection:', 'a: 1'], 0, ['Connection', 'a']],
    ['close', ['Connection: close'], close, ['Connection']],
    ['keep-alive', ['Connection: keep-alive'], keepAlive, ['Connection']],
    ['upgrade', ['Connection: upgrade'], upgrade, ['Connection']],
    ['any case', ['CONNECTION: Keep-Alive, UPGRADE'], keepAlive | upgrade, ['CONNECTION']],
    ['white space and empty members', ['Connection: , close\t,\t, keep-alive,'], close | keepAlive, ['Connection']],
    ['several fields', ['Connection: upgrade', 'Connection: close'], upgrade | close, ['Connection', 'Connection']],
    ['words that hold an option', ['Connection: closed, unclose, keep-alive2'], 0, ['Connection']],
    [
      'a byte 0xA0, which is no white space',
      ['Connection: close\xa0', 'Connection: \xa0upgrade'],
      0,
      ['Connection', 'Connection'],
    ],
    ['fields that it names', ['x: 1', 'Connection: X, y', 'Y: 2', 'z: 3', 'x: 4'], 0, ['Connection', 'z']],
    ['fields that it names, with options', ['x: 1', 'Connection: close,X'], close, ['Connection']],
    [
      'known fields that it names',
      ['Via: 1', 'X-Forwarded-For: 2', 'Connection: via, x-forwarded-for'],
      0,
      ['Connection'],
    ],
    [
      'fields that it names and that frame or route the message',
      [
        'Host: h',
        'Content-Length: 0',
        'Transfer-Encoding: x',
        'TE: x',
        'Trailer: x',
        'Expect: x',
        'Upgrade: x',
        'Connection: host, content-length, transfer-encoding, te, trailer, expect, upgrade, connection',
      ],
      upgrade,
      ['Host', 'Content-Length', 'Transfer-Encoding', 'TE', 'Trailer', 'Expect', 'Upgrade', 'Connection'],
    ],
  ];

  it.each(CASES)('reads %s', (_name, lines, options, kept) => {
    const fields = parsedFields(...lines);
    expect(takeConnectionOptions(fields)).toBe(options);
    expect([...fields.entries()].map(([name]) => name)).toEqual(kept);
  });

  it('forgets the ids of the fields that it removes', () => {
    const fields = parsedFields('Via: 1', 'Connection: via');
    takeConnectionOptions(fields);
    expect([fields.get('via'), fields.holds(FieldId.via)]).toEqual([null, false]);
  });
});

describe('persists, RFC 9112 §9.3', () => {
  it.each<[options: number, minorVersion: number, persists: boolean]>([
    [0, 1, true],
    [0, 0, false],
    [close, 1, false],
    [close, 0, false],
    [keepAlive, 1, true],
    [keepAlive, 0, true],
    [close | keepAlive, 1, false],
    [close | keepAlive, 0, false],
    [upgrade, 1, true],
    [upgrade, 0, false],
  ])('options %i in HTTP/1.%i: %s', (options, minorVersion, expected) => {
    expect(persists(options, minorVersion)).toBe(expected);
  });
});
