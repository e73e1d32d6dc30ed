import { describe, expect, it } from 'vitest';

import { evaluatePreconditions, ifRangeHolds, Precondition } from './conditional.ts';
import { Fields, formatHttpDate, parseHttpDate } from '../message/index.ts';
import { readConditions, type RequestConditions } from './request-conditions.ts';
import { Representation } from './representation.ts';
import { type FileState, validatorsOf } from './validators.ts';

const CHANGED = Date.UTC(1994, 10, 15, 12, 45, 26);
const NOW = Date.UTC(1994, 10, 20);
const AT = 'Tue, 15 Nov 1994 12:45:26 GMT';
const BEFORE = 'Tue, 15 Nov 1994 12:45:25 GMT';
const AFTER = 'Tue, 15 Nov 1994 12:45:27 GMT';
const VALIDATORS = { etag: '"x,y"', lastModified: CHANGED };

const NONE: RequestConditions = readConditions(new Fields());

const PRECONDITIONS: readonly [fields: Partial<RequestConditions>, outcome: keyof typeof Precondition][] = [
  [{}, 'holds'],
  // Step 1: strong comparison.
  [{ ifMatch: '"x,y"' }, 'holds'],
  [{ ifMatch: '"a", "x,y" ,W/"b"' }, 'holds'],
  [{ ifMatch: ',,"x,y"' }, 'holds'],
  [{ ifMatch: '*' }, 'holds'],
  [{ ifMatch: '"a"' }, 'failed'],
  [{ ifMatch: 'W/"x,y"' }, 'failed'],
  [{ ifMatch: 'x,y' }, 'failed'],
  [{ ifMatch: '"x,y" nonsense' }, 'failed'],
  [{ ifMatch: '' }, 'failed'],
  // Step 2, only without If-Match.
  [{ ifUnmodifiedSince: AT }, 'holds'],
  [{ ifUnmodifiedSince: AFTER }, 'holds'],
  [{ ifUnmodifiedSince: BEFORE }, 'failed'],
  [{ ifUnmodifiedSince: 'yesterday' }, 'holds'],
  [{ ifMatch: '"x,y"', ifUnmodifiedSince: BEFORE }, 'holds'],
  // Step 3: weak comparison.
  [{ ifNoneMatch: '"x,y"' }, 'notModified'],
  [{ ifNoneMatch: 'W/"x,y"' }, 'notModified'],
  [{ ifNoneMatch: '"a","x,y"' }, 'notModified'],
  [{ ifNoneMatch: '*' }, 'notModified'],
  [{ ifNoneMatch: '"a"' }, 'holds'],
  [{ ifNoneMatch: '"x,y' }, 'holds'],
  [{ ifNoneMatch: 'w/"x,y"' }, 'holds'],
  // Step 4, only without If-None-Match.
  [{ ifModifiedSince: AT }, 'notModified'],
  [{ ifModifiedSince: AFTER }, 'notModified'],
  [{ ifModifiedSince: BEFORE }, 'holds'],
  [{ ifModifiedSince: `${AT}, ${AT}` }, 'holds'],
  [{ ifModifiedSince: 'nonsense' }, 'holds'],
  [{ ifNoneMatch: '"a"', ifModifiedSince: AT }, 'holds'],
  // An earlier step decides.
  [{ ifMatch: '"a"', ifNoneMatch: '"x,y"' }, 'failed'],
  [{ ifMatch: '"x,y"', ifNoneMatch: '"x,y"' }, 'notModified'],
  [{ ifUnmodifiedSince: BEFORE, ifModifiedSince: AT }, 'failed'],
];

describe('evaluatePreconditions', () => {
  it.each(PRECONDITIONS)('%j: %s', (fields, outcome) => {
    expect(evaluatePreconditions({ ...NONE, ...fields }, VALIDATORS, NOW)).toBe(Precondition[outcome]);
  });

  it('ignores dates if it is unknown when the file changed', () => {
    const validators = { etag: '"a"', lastModified: null };
    for (const fields of [{ ifUnmodifiedSince: BEFORE }, { ifModifiedSince: AFTER }]) {
      expect(evaluatePreconditions({ ...NONE, ...fields }, validators, NOW)).toBe(Precondition.holds);
    }
  });
});

const IF_RANGE: readonly [ifRange: string | null, holds: boolean][] = [
  [null, true],
  ['"x,y"', true],
  ['"a"', false],
  ['W/"x,y"', false],
  [AT, true],
  [BEFORE, false],
  [AFTER, false],
  ['Tuesday, 15-Nov-94 12:45:26 GMT', true],
  ['nonsense', false],
  ['*', false],
];

describe('ifRangeHolds', () => {
  it.each(IF_RANGE)('%j: %s', (ifRange, holds) => {
    expect(ifRangeHolds({ ...NONE, ifRange }, VALIDATORS, NOW)).toBe(holds);
  });

  it('takes a date for weak while its second lasts', () => {
    expect(ifRangeHolds({ ...NONE, ifRange: AT }, VALIDATORS, CHANGED + 999)).toBe(false);
    expect(ifRangeHolds({ ...NONE, ifRange: AT }, VALIDATORS, CHANGED + 1000)).toBe(true);
  });
});

const DATES: readonly [text: string, time: number | null][] = [
  ['Sun, 06 Nov 1994 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sunday, 06-Nov-94 08:49:37 GMT', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Sun Nov  6 08:49:37 1994', Date.UTC(1994, 10, 6, 8, 49, 37)],
  ['Wed Nov 16 08:49:37 1994', Date.UTC(1994, 10, 16, 8, 49, 37)],
  ['Saturday, 06-Nov-44 08:49:37 GMT', Date.UTC(2044, 10, 6, 8, 49, 37)],
  ['Saturday, 06-Nov-45 08:49:37 GMT', Date.UTC(1945, 10, 6, 8, 49, 37)],
  ['Thu, 29 Feb 2024 00:00:00 GMT', Date.UTC(2024, 1, 29)],
  ['Sat, 31 Dec 2016 23:59:60 GMT', Date.UTC(2017, 0, 1)],
  ['Fri, 01 Jan 0099 00:00:00 GMT', Date.parse('0099-01-01T00:00:00Z')],
  ['Thu, 30 Feb 2024 00:00:00 GMT', null],
  ['Thu, 00 Jan 2024 00:00:00 GMT', null],
  ['Thu, 01 Jan 2024 24:00:00 GMT', null],
  ['Thu, 01 Jan 2024 00:60:00 GMT', null],
  ['Thu, 01 Jan 2024 00:00:61 GMT', null],
  ['sun, 06 nov 1994 08:49:37 gmt', null],
  ['Sun, 6 Nov 1994 08:49:37 GMT', null],
  ['Sun, 06 Nov 1994 08:49:37 UTC', null],
  ['Sun, 06 Nov 1994 08:49:37 GMT ', null],
  ['1994-11-06T08:49:37Z', null],
  ['784111777', null],
  ['', null],
];

describe('HTTP-date', () => {
  it.each(DATES)('%j', (text, time) => {
    expect(parseHttpDate(text, NOW)).toBe(time);
  });

  it('is written as IMF-fixdate', () => {
    expect(formatHttpDate(Date.UTC(1994, 10, 6, 8, 49, 37) + 999)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
  });
});

describe('readConditions', () => {
  it('reads the fields whatever their case, and joins repeated ones', () => {
    const fields = Fields.of([
      ['IF-NONE-MATCH', '"a"'],
      ['Range', 'bytes=0-1'],
      ['if-none-match', '"b"'],
      ['Accept', '*/*'],
    ]);
    expect(readConditions(fields)).toEqual({ ...NONE, ifNoneMatch: '"a", "b"', range: 'bytes=0-1', whole: false });
  });
});

describe('conditions', () => {
  const WHOLE: readonly [name: string, value: string, whole: boolean][] = [
    ['Accept-Encoding', 'br', true],
    ['If-Range', '"a"', true],
    ['If-Match', '"a"', false],
    ['If-None-Match', '"a"', false],
    ['If-Modified-Since', AT, false],
    ['If-Unmodified-Since', AT, false],
    ['Range', 'bytes=0-', false],
  ];
  it.each(WHOLE)('with %s: %s ask for the whole file: %s', (name, value, whole) => {
    expect(readConditions(Fields.of([[name, value]])).whole).toBe(whole);
  });
});

describe('validators', () => {
  const file: FileState = { size: 255n, mtimeNs: BigInt(CHANGED) * 1_000_000n + 123n, ctimeNs: 7n, ino: 9n, dev: 1n };

  it('change with size, nanosecond and coding, and agree between copies', () => {
    const { etag } = validatorsOf(file, '', NOW);
    expect(etag).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(validatorsOf({ ...file, ino: 10n, ctimeNs: 8n }, '', NOW).etag).toBe(etag);
    const others = [
      validatorsOf({ ...file, size: 256n }, '', NOW).etag,
      validatorsOf({ ...file, mtimeNs: file.mtimeNs + 1n }, '', NOW).etag,
      validatorsOf(file, 'br', NOW).etag,
      validatorsOf(file, 'gzip', NOW).etag,
    ];
    expect(new Set([etag, ...others]).size).toBe(5);
  });

  it.each([0, 1, 315_532_801])('do not trust a time of modification of %d s', (seconds) => {
    const built = { ...file, mtimeNs: BigInt(seconds) * 1_000_000_000n };
    const { etag, lastModified } = validatorsOf(built, '', NOW);
    expect(lastModified).toBeNull();
    expect(validatorsOf({ ...built, ctimeNs: 8n }, '', NOW).etag).not.toBe(etag);
    const { fields } = new Representation({ ...built, dev: 0n }, null, 'text/css', false, NOW);
    expect([fields.get('etag'), fields.has('last-modified')]).toEqual([etag, false]);
  });

  it('give whole seconds, and never the future', () => {
    expect(validatorsOf(file, '', NOW).lastModified).toBe(CHANGED);
    expect(validatorsOf(file, '', CHANGED - 1).lastModified).toBe(CHANGED - 1000);
    const { fields } = new Representation({ ...file, dev: 0n }, null, 'text/css', false, NOW);
    expect(fields.get('last-modified')).toBe(AT);
  });
});
