import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { dropTable } from './drop-table.ts';
import { FieldId } from './field-names.ts';
import { readFieldPairs } from './field-pairs.ts';
import { Fields } from './fields.ts';

const NOTHING_DROPPED = dropTable();

function read(...pairs: string[]): Fields {
  const fields = new Fields();
  readFieldPairs(fields, pairs, 'bad_field_line');
  return fields;
}

function codeOf(...pairs: string[]): string {
  try {
    read(...pairs);
  } catch (error) {
    if (error instanceof ProxyError) return error.code;
    throw error;
  }
  return 'accepted';
}

describe('readFieldPairs', () => {
  it('makes fields that are written as HTTP/1.1 lines', () => {
    const fields = read(':method', 'GET', 'accept', '*/*', ':path', '/', 'x-empty', '', 'cookie', 'a=1');
    expect(fields.lines(NOTHING_DROPPED)).toBe('accept: */*\r\nx-empty: \r\ncookie: a=1\r\n');
    expect([...fields.entries()]).toEqual([
      ['accept', '*/*'],
      ['x-empty', ''],
      ['cookie', 'a=1'],
    ]);
  });

  it('notes the fields that a proxy acts on', () => {
    const fields = read('te', 'trailers', 'via', '2.0 a', 'via', '1.1 b', 'content-length', '3');
    expect(fields.first(FieldId.te)).toBe('trailers');
    expect(fields.list(FieldId.via)).toBe('2.0 a, 1.1 b');
    expect(fields.repeats(FieldId.via)).toBe(true);
    expect(fields.lines(dropTable(FieldId.via))).toBe('te: trailers\r\ncontent-length: 3\r\n');
  });

  it('takes more fields than it has room for at first', () => {
    const pairs = Array.from({ length: 200 }, (_, i) => [`x-${i}`, `${i}`]).flat();
    expect([...read(...pairs).entries()].flat()).toEqual(pairs);
  });

  it.each([
    ['an upper-case letter in a name', 'Accept', 'a'],
    ['an empty name', '', 'a'],
    ['a blank in a name', 'a b', 'a'],
    ['a line break in a name', 'a\r\nb', 'a'],
    ['a name beyond latin1', 'aĀ', 'a'],
    ['a line break in a value', 'a', 'b\r\nc: d'],
    ['a bare LF in a value', 'a', 'b\nc'],
    ['a NUL in a value', 'a', 'b\0'],
    ['a blank before a value', 'a', ' b'],
    ['a blank behind a value', 'a', 'b\t'],
  ])('refuses %s', (_, name, value) => {
    expect(codeOf(name, value)).toBe('bad_field_line');
  });

  it('never gives more lines than there were pairs', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.array(text, { maxLength: 8 }), (pairs) => {
        if (codeOf(...pairs) !== 'accepted') return;
        const regular = pairs.filter((_, i) => i % 2 === 0 && i + 1 < pairs.length && !pairs[i].startsWith(':'));
        expect(
          read(...pairs)
            .lines(NOTHING_DROPPED)
            .split('\r\n'),
        ).toHaveLength(regular.length + 1);
      }),
      { numRuns: 10_000 },
    );
  });
});
