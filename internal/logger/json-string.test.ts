import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asciiJson, quote } from './json-string.ts';

/** Every kind of UTF-16 code unit, lone surrogates among them. */
const anyText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) });

describe('quote', () => {
  it.each([
    ['plain', '"plain"'],
    ['', '""'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['line\r\nfeed', '"line\\u000d\\u000afeed"'],
    ['\u001b[31mred', '"\\u001b[31mred"'],
    ['del\u007f', '"del\\u007f"'],
    ['c1\u0085', '"c1\\u0085"'],
    ['\u2028\u2029', '"\\u2028\\u2029"'],
    ['\ud800', '"\\ud800"'],
    ['\u202e', '"\\u202e"'],
    ['\u00c3\u00a9', '"\\u00c3\\u00a9"'],
  ])('writes %j as %s', (text, json) => {
    expect(quote(text)).toBe(json);
  });

  it('gives printable ASCII that JSON.parse reads back, for any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const json = quote(text);
        return /^[ -~]*$/.test(json) && JSON.parse(json) === text;
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('asciiJson', () => {
  it('changes how JSON is written, never what it says', () => {
    fc.assert(
      fc.property(fc.dictionary(anyText, fc.oneof(anyText, fc.double(), fc.constant(null))), (value) => {
        const json = JSON.stringify(value);
        const ascii = asciiJson(json);
        expect(ascii).toMatch(/^[ -~]*$/);
        expect(JSON.parse(ascii)).toEqual(JSON.parse(json));
      }),
      { numRuns: 2000 },
    );
  });
});
