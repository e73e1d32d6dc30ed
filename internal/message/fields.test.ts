import { describe, expect, it } from 'vitest';
import { dropTable, FieldId, fieldIdOf } from './field-names.ts';
import { Fields, isFieldValue, isToken } from './fields.ts';
import { parsedFields } from './testing/parsed-fields.ts';
import { WantedNames } from './wanted-names.ts';

const KEEP_ALL = dropTable();

const KNOWN: readonly (readonly [string, FieldId])[] = [
  ['Host', FieldId.host],
  ['Connection', FieldId.connection],
  ['Content-Length', FieldId.contentLength],
  ['Transfer-Encoding', FieldId.transferEncoding],
  ['Expect', FieldId.expect],
  ['Upgrade', FieldId.upgrade],
  ['TE', FieldId.te],
  ['Trailer', FieldId.trailer],
  ['Keep-Alive', FieldId.keepAlive],
  ['Proxy-Connection', FieldId.proxyConnection],
  ['Forwarded', FieldId.forwarded],
  ['X-Forwarded-For', FieldId.xForwardedFor],
  ['X-Forwarded-Host', FieldId.xForwardedHost],
  ['X-Forwarded-Proto', FieldId.xForwardedProto],
  ['Via', FieldId.via],
  ['Max-Forwards', FieldId.maxForwards],
  ['User-Agent', FieldId.userAgent],
  ['Referer', FieldId.referer],
  ['Date', FieldId.date],
  ['Server', FieldId.server],
  ['HTTP2-Settings', FieldId.http2Settings],
];

describe('known field names', () => {
  it.each(KNOWN)('finds %s in any case', (name, id) => {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) {
      const fields = parsedFields('a: 0', `${written}: 1`, 'b: 2');
      expect(fields.first(id)).toBe('1');
      expect(fields.present).toBe(1 << id);
      expect(fields.repeated).toBe(0);
    }
    expect(fieldIdOf(name.toLowerCase())).toBe(id);
    expect(fieldIdOf(`x${name.toLowerCase()}`)).toBe(FieldId.other);
  });

  it.each(KNOWN)('does not take another name for %s', (name, id) => {
    const bent = Array.from(name, (_, i) => `${name.slice(0, i)}${name[i] === '-' ? '_' : '-'}${name.slice(i + 1)}`);
    for (const other of [`${name}s`, `x${name}`, name.slice(0, -1), name.slice(1), ...bent]) {
      if (other === 'TE' || other === '') continue;
      const fields = parsedFields(`${other}: 1`);
      expect(fields.first(id)).toBeNull();
      const ofFamily = other.toLowerCase().startsWith('x-forwarded-');
      expect(fields.present).toBe(ofFamily ? 1 << FieldId.xForwardedOther : 0);
    }
  });

  it('notes repetition, and lists the values in order', () => {
    const fields = parsedFields('Via: 1', 'Host: a', 'via: 2', 'VIA: 3');
    expect(fields.repeated).toBe(1 << FieldId.via);
    expect(fields.first(FieldId.via)).toBe('1');
    expect(fields.list(FieldId.via)).toBe('1, 2, 3');
    expect(fields.list(FieldId.date)).toBeNull();
  });
});

describe('Fields', () => {
  it('looks names up without case, joining values as RFC 9110 §5.3 has it', () => {
    const fields = parsedFields('Accept: a', 'x: 1', 'ACCEPT: b', 'empty:');
    expect(fields.get('accept')).toBe('a, b');
    expect(fields.get('X')).toBe('1');
    expect(fields.get('empty')).toBe('');
    expect(fields.get('accep')).toBeNull();
    expect([fields.has('empty'), fields.has('none')]).toEqual([true, false]);
  });

  it('knows whether there is a name, received or appended, and not removed', () => {
    const fields = parsedFields('Accept: a', 'x: date', 'gone: 1', 'Gone: 2');
    fields.append('Vary', 'b');
    fields.append('Last-Modified', 'c');
    fields.remove('gone');
    const names = ['accept', 'X', 'VARY', 'last-modified', 'gone', 'date', 'modified', 'var', 'varyy', 'b', ''];
    expect(names.filter((name) => fields.has(name))).toEqual(['accept', 'X', 'VARY', 'last-modified']);
  });

  it('looks several names up in one walk', () => {
    const wanted = new WantedNames(['accept', 'range', 'x-y', 'nowhere', 'strange']);
    const fields = parsedFields('Accept: a', 'rangE: 1', 'accepT: b', 'orange: 2', 'change: 3', 'X-Z: 4', 'strange: 5');
    expect(fields.listsOf(wanted)).toEqual(['a, b', '1', null, null, '5']);
    fields.append('X-Y', '6');
    fields.append('Range', '7');
    fields.remove('accept');
    expect(fields.listsOf(wanted)).toEqual([null, '1, 7', '6', null, '5']);
    expect(parsedFields('host: a', 'acceptor: b').listsOf(wanted)).toBeNull();
  });

  it.each(['a!', 'a^', 'a_', 'a`', 'a~', 'a0', 'az'])(
    'looks up names that end with any letter of a token: %s',
    (name) => {
      expect(parsedFields(`${name}: 1`, `${name}x: 2`).listsOf(new WantedNames([name]))).toEqual(['1']);
    },
  );

  it('removes what was received and what was appended, and only that', () => {
    const fields = parsedFields('a: 1', 'Host: h', 'A: 2', 'ab: 3');
    fields.append('a', '4');
    fields.append('c', '5');
    fields.remove('A');
    expect([...fields.entries()]).toEqual([
      ['Host', 'h'],
      ['ab', '3'],
      ['c', '5'],
    ]);
    fields.remove('host');
    expect([fields.present, fields.first(FieldId.host)]).toEqual([0, null]);
    expect(fields.lines(KEEP_ALL)).toBe('ab: 3\r\nc: 5\r\n');
  });

  it('removes many names in one walk', () => {
    const fields = parsedFields('a: 1', 'Via: 2', 'B: 3', 'c: 4', 'via: 5');
    fields.append('B', '6');
    fields.append('d', '7');
    fields.removeAll(new Set(['via', 'b']));
    expect([...fields.entries()]).toEqual([
      ['a', '1'],
      ['c', '4'],
      ['d', '7'],
    ]);
    expect([fields.present, fields.repeated]).toEqual([0, 0]);
  });

  it('replaces all fields of a name by one at the end', () => {
    const fields = parsedFields('a: 1', 'b: 2', 'a: 3');
    fields.set('A', '4');
    expect(fields.lines(KEEP_ALL)).toBe('b: 2\r\nA: 4\r\n');
    fields.set('A', '5');
    expect(fields.lines(KEEP_ALL)).toBe('b: 2\r\nA: 5\r\n');
  });

  it('holds more fields than it has room for at first', () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `n${i}: v${i}`);
    const fields = parsedFields(...lines);
    expect(fields.lines(KEEP_ALL)).toBe(lines.map((line) => `${line}\r\n`).join(''));
  });

  it('is made of pairs for responses of our own', () => {
    const fields = Fields.of([
      ['A', '1'],
      ['b', ''],
      ['A', '2'],
    ]);
    expect(fields.get('a')).toBe('1, 2');
    expect(fields.lines(KEEP_ALL)).toBe('A: 1\r\nb: \r\nA: 2\r\n');
  });

  it('takes lines that were checked before', () => {
    const fields = parsedFields('a: 1');
    fields.appendLines('b: 2\r\nc: 3\r\n');
    expect([...fields.entries()]).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  it('lists names and values, less those of the drop table, wherever they came from', () => {
    const fields = parsedFields('Host: h', 'Via: a', 'b: 1', 'gone: x');
    fields.remove('gone');
    fields.append('VIA', 'c');
    fields.append('d', '2');
    expect(fields.pairs(KEEP_ALL)).toEqual(['Host', 'h', 'Via', 'a', 'b', '1', 'VIA', 'c', 'd', '2']);
    expect(fields.pairs(dropTable(FieldId.via))).toEqual(['Host', 'h', 'b', '1', 'd', '2']);
  });

  it.each(['', 'a b', 'a:', 'ä', 'a\r\n', 'a\0', 'ŝ'])('refuses to append the name %j', (name) => {
    expect(() => new Fields().append(name, 'v')).toThrow(TypeError);
    expect(isToken(name)).toBe(false);
  });

  it.each(['a\r\nb: c', 'a\n', '\r', '\0', '\x7f', ' a', 'a ', '\ta', 'a\t', ' ', 'ŝ', '\u2028'])(
    'refuses to append the value %j',
    (value) => {
      const fields = new Fields();
      expect(() => fields.set('a', value)).toThrow(TypeError);
      expect(isFieldValue(value)).toBe(false);
      expect(fields.lines(KEEP_ALL)).toBe('');
    },
  );

  it.each(['', 'a', 'a b', 'a\tb', '\xa0', '\xff: x'])('appends the value %j', (value) => {
    expect(Fields.of([['a', value]]).get('A')).toBe(value);
  });
});

describe('Fields.lines', () => {
  const CASES: readonly [name: string, lines: readonly string[], drop: Uint8Array, out: readonly string[]][] = [
    ['nothing of nothing', [], KEEP_ALL, []],
    ['canonical lines as they are', ['a: 1', 'B: x y'], KEEP_ALL, ['a: 1', 'B: x y']],
    ['no white space', ['a:1'], KEEP_ALL, ['a: 1']],
    ['a tab before the value', ['a:\t1'], KEEP_ALL, ['a: 1']],
    ['two spaces before the value', ['a:  1'], KEEP_ALL, ['a: 1']],
    ['white space behind the value', ['a: 1 ', 'b: 2\t'], KEEP_ALL, ['a: 1', 'b: 2']],
    ['an empty value', ['a:', 'b: ', 'c: \t'], KEEP_ALL, ['a: ', 'b: ', 'c: ']],
    [
      'irregular lines between regular ones',
      ['a: 1', 'b:2', 'c: 3', 'd:4', 'e: 5'],
      KEEP_ALL,
      ['a: 1', 'b: 2', 'c: 3', 'd: 4', 'e: 5'],
    ],
    ['the dropped at the start', ['Host: h', 'a: 1'], dropTable(FieldId.host), ['a: 1']],
    ['the dropped at the end', ['a: 1', 'Host: h'], dropTable(FieldId.host), ['a: 1']],
    [
      'the dropped in between',
      ['a: 1', 'Via: v', 'Host: h', 'b: 2', 'Via: w', 'c: 3'],
      dropTable(FieldId.host, FieldId.via),
      ['a: 1', 'b: 2', 'c: 3'],
    ],
    ['irregular dropped lines', ['a: 1', 'Host:h', 'b: 2'], dropTable(FieldId.host), ['a: 1', 'b: 2']],
    ['all dropped', ['Host: h'], dropTable(FieldId.host), []],
  ];

  it.each(CASES)('writes %s', (_name, lines, drop, out) => {
    expect(parsedFields(...lines).lines(drop)).toBe(out.map((line) => `${line}\r\n`).join(''));
  });

  it('leaves out further names without forgetting them', () => {
    const fields = parsedFields('a: 1', 'Host: h', 'b:2', 'X-Long: x', 'c: 3');
    fields.append('X-Added', 'y');
    fields.append('D', '4');
    expect(fields.lines(KEEP_ALL, new Set(['x-long', 'host', 'x-added', 'b']))).toBe('a: 1\r\nc: 3\r\nD: 4\r\n');
    expect([fields.get('x-long'), fields.first(FieldId.host), fields.get('x-added')]).toEqual(['x', 'h', 'y']);
    expect(fields.lines(KEEP_ALL)).toContain('X-Long: x\r\nc: 3\r\nX-Added: y\r\n');
  });

  it('leaves removed lines out, whatever the table says of their names', () => {
    const fields = parsedFields('a: 1', 'Host: h', 'b:2');
    fields.remove('host');
    fields.remove('b');
    expect(fields.lines(KEEP_ALL)).toBe('a: 1\r\n');
  });
});
