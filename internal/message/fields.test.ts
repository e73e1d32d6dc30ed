import { describe, expect, it } from 'vitest';
import { dropTable, type DropTable, KEEP_ALL, withoutReceived } from './drop-table.ts';
import { fieldBits, FieldId, fieldIdOf } from './field-names.ts';
import { isFieldValue, isToken } from './field-syntax.ts';
import { Fields } from './fields.ts';
import { parsedFields } from './testing/parsed-fields.ts';
import { WantedNames } from './wanted-names.ts';

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
  ['X-Real-IP', FieldId.xRealIp],
];

const ALL_IDS = Object.values(FieldId).filter((id) => id !== FieldId.other && id !== FieldId.removed);

describe('known field names', () => {
  it.each(KNOWN)('finds %s in any case', (name, id) => {
    for (const written of [name, name.toLowerCase(), name.toUpperCase()]) {
      const fields = parsedFields('a: 0', `${written}: 1`, 'b: 2');
      expect(fields.first(id)).toBe('1');
      expect(ALL_IDS.filter((other) => fields.holds(other))).toEqual([id]);
      expect(fields.repeats(id)).toBe(false);
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
      expect(ALL_IDS.filter((held) => fields.holds(held))).toEqual(ofFamily ? [FieldId.xForwardedOther] : []);
    }
  });

  it('notes repetition, and lists the values in order', () => {
    const fields = parsedFields('Via: 1', 'Host: a', 'via: 2', 'VIA: 3');
    expect(ALL_IDS.filter((id) => fields.repeats(id))).toEqual([FieldId.via]);
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
    expect([fields.holds(FieldId.host), fields.first(FieldId.host)]).toEqual([false, null]);
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
    expect(ALL_IDS.filter((id) => fields.holds(id) || fields.repeats(id))).toEqual([]);
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

describe('fields that were set here', () => {
  it('are found like received ones', () => {
    const fields = parsedFields('Via: a', 'b: 1');
    expect(fields.edited).toBe(false);
    fields.append('Host', 'h');
    fields.append('VIA', 'c');
    fields.append('X-Forwarded-Port', '1');
    expect([fields.first(FieldId.host), fields.list(FieldId.via)]).toEqual(['h', 'a, c']);
    expect([fields.holds(FieldId.host), fields.repeats(FieldId.host)]).toEqual([true, false]);
    expect([fields.holds(FieldId.via), fields.repeats(FieldId.via)]).toEqual([true, true]);
    expect(fields.holdsAny(fieldBits(FieldId.date, FieldId.host))).toBe(true);
    expect(fields.edited).toBe(true);
  });

  it('are told apart from received ones', () => {
    const fields = parsedFields('Via: a', 'X-Real-IP: 1', 'Date: x');
    expect([FieldId.via, FieldId.xRealIp, FieldId.date].filter((id) => fields.wasSet(id))).toEqual([]);
    fields.append('Via', 'b');
    fields.set('X-Real-IP', '2');
    fields.rename('date', 'X-Forwarded-Port');
    const ids = [FieldId.via, FieldId.xRealIp, FieldId.date, FieldId.xForwardedOther, FieldId.host];
    expect(ids.filter((id) => fields.wasSet(id))).toEqual([FieldId.via, FieldId.xRealIp, FieldId.xForwardedOther]);
  });

  it.each([
    ['append', (fields: Fields) => fields.append('Transfer-Encoding', 'chunked')],
    ['set', (fields: Fields) => fields.set('transfer-encoding', 'chunked')],
    ['rename', (fields: Fields) => fields.rename('a', 'TRANSFER-ENCODING')],
  ])('are left out by the drop table, after %s', (_, change) => {
    const fields = parsedFields('a: 1', 'b: 2');
    change(fields);
    expect(fields.get('transfer-encoding')).not.toBeNull();
    const drop = dropTable(FieldId.transferEncoding);
    expect(fields.lines(drop)).not.toMatch(/transfer-encoding/i);
    expect(fields.pairs(drop).join().toLowerCase()).not.toContain('transfer-encoding');
    expect(fields.lines(drop)).toContain('b: 2\r\n');
  });

  it('are written where the table leaves out what was received alone', () => {
    const drop = withoutReceived(dropTable(FieldId.host), FieldId.via, FieldId.xForwardedOther);
    const fields = parsedFields('Host: h', 'Via: a', 'X-Forwarded-User: eve', 'b:1');
    expect(fields.lines(drop)).toBe('b: 1\r\n');
    fields.append('X-Forwarded-User', 'alice');
    fields.append('via', 'c');
    fields.append('Host', 'other');
    expect(fields.lines(drop)).toBe('b: 1\r\nX-Forwarded-User: alice\r\nvia: c\r\n');
    expect(fields.pairs(drop)).toEqual(['b', '1', 'X-Forwarded-User', 'alice', 'via', 'c']);
  });

  it('stay as they are when one of them cannot be set', () => {
    const fields = parsedFields('a: 1');
    expect(() => fields.set('a', 'b\nc: d')).toThrow(TypeError);
    expect(() => fields.rename('a', 'b c')).toThrow(TypeError);
    expect([fields.lines(KEEP_ALL), fields.edited]).toEqual(['a: 1\r\n', false]);
  });
});

describe('names without a bit of their own', () => {
  it('are found, listed and counted', () => {
    const fields = parsedFields('X-Forwarded-Port: 1', 'a: 2');
    const id = FieldId.xForwardedOther;
    expect([fields.holds(id), fields.repeats(id), fields.first(id)]).toEqual([true, false, '1']);
    fields.append('x-forwarded-prefix', '/p');
    expect([fields.repeats(id), fields.list(id)]).toEqual([true, '1, /p']);
    // The id stands for several names: removing one of them leaves the others.
    fields.remove('X-Forwarded-Port');
    expect([fields.holds(id), fields.repeats(id), fields.first(id)]).toEqual([true, false, '/p']);
    fields.remove('X-Forwarded-Prefix');
    expect([fields.holds(id), fields.first(id), fields.list(id)]).toEqual([false, null, null]);
  });

  it('have no place in a number of bits', () => {
    expect(() => fieldBits(FieldId.host, FieldId.xForwardedOther)).toThrow(RangeError);
    expect(() => fieldBits(FieldId.other)).toThrow(RangeError);
  });
});

describe('Fields.rename', () => {
  it('gives every field of a name another one, in its place', () => {
    const fields = parsedFields('a: 1', 'Old:  2', 'b: 3', 'OLD: 4', 'New: 5', 'gone: 6');
    fields.append('old', '7');
    fields.remove('gone');
    fields.rename('old', 'New');
    expect(fields.lines(KEEP_ALL)).toBe('a: 1\r\nNew: 2\r\nb: 3\r\nNew: 4\r\nNew: 5\r\nNew: 7\r\n');
    expect([fields.get('old'), fields.get('new')]).toEqual([null, '2, 4, 5, 7']);
  });

  it('keeps what is known of the names', () => {
    const fields = parsedFields('Host: a', 'Via: 1', 'x: 2', 'Date: 3');
    fields.rename('host', 'X-Original-Host');
    fields.rename('x', 'VIA');
    expect([fields.holds(FieldId.host), fields.list(FieldId.via)]).toEqual([false, '1, 2']);
    expect([fields.repeats(FieldId.via), fields.first(FieldId.date)]).toEqual([true, '3']);
    fields.append('c', '4');
    expect(fields.lines(dropTable(FieldId.via))).toBe('X-Original-Host: a\r\nDate: 3\r\nc: 4\r\n');
  });

  it('changes the case of a name, and nothing where there is no such field', () => {
    const fields = parsedFields('ab: 1');
    fields.rename('abc', 'x');
    expect(fields.edited).toBe(false);
    fields.rename('AB', 'aB');
    expect(fields.lines(KEEP_ALL)).toBe('aB: 1\r\n');
  });
});

describe('Fields.copy', () => {
  const CHANGES: readonly [name: string, change: (fields: Fields) => void][] = [
    ['append', (fields) => fields.append('c', '3')],
    ['set', (fields) => fields.set('a', '3')],
    ['remove', (fields) => fields.remove('Via')],
    ['removeAll', (fields) => fields.removeAll(new Set(['a', 'via']))],
    ['rename', (fields) => fields.rename('a', 'longer')],
    ['reset', (fields) => fields.reset()],
  ];

  it.each(CHANGES)('is not changed by %s of the original, nor the original by it of the copy', (_, change) => {
    for (const which of ['original', 'copy', 'copy of the copy'] as const) {
      const original = parsedFields('a: 1', 'Via:2');
      const copy = original.copy();
      const second = copy.copy();
      change({ original, copy, 'copy of the copy': second }[which]);
      const kept = [original, copy, second].filter((fields) => fields.lines(KEEP_ALL) === 'a: 1\r\nVia: 2\r\n');
      expect(kept).toHaveLength(2);
      for (const fields of kept)
        expect([fields.get('a'), fields.first(FieldId.via), fields.edited]).toEqual(['1', '2', false]);
    }
  });

  it('keeps what it holds when the original takes the next message', () => {
    const original = parsedFields('a: 1', 'Host: h');
    const copy = original.copy();
    original.reset();
    original.note(FieldId.via, true, 0, 3, 5, 6);
    original.text = 'Via: 1\r\n';
    original.linesEnd = original.text.length;
    expect(copy.lines(KEEP_ALL)).toBe('a: 1\r\nHost: h\r\n');
    expect(original.lines(KEEP_ALL)).toBe('Via: 1\r\n');
    expect([original.holds(FieldId.host), copy.holds(FieldId.via)]).toEqual([false, false]);
  });
});

describe('Fields.lines', () => {
  const CASES: readonly [name: string, lines: readonly string[], drop: DropTable, out: readonly string[]][] = [
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
