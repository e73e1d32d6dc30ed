import fc from 'fast-check';
import JSON5 from 'json5';
import { describe, expect, it } from 'vitest';
import { MAX_DEPTH, readJson5 } from './json5-reader.ts';
import { Json5SyntaxError } from './json5-scanner.ts';

function failure(text: string): string {
  try {
    readJson5(text);
  } catch (error) {
    if (error instanceof Json5SyntaxError) return `${error.offset}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('readJson5 values', () => {
  const texts = [
    `{ a: 1, 'b': [true, false, null], "c": {} }`,
    `[+1, -1, .5, -.5, +.5, 5., 1e3, 1.5E-3, 0x1F, -0x1f, 0, -0]`,
    `/* one */ { // two\n a: 1, /* three */ }\n// four`,
    `{ $: 1, _: 2, ünï: 3, a\\u0062: 4, "\\x41": 5, '': 6 }`,
    `'it\\'s \\"quoted\\" \\n \\t \\0 \\u00e9 \\\nnext'`,
    `"a\\\r\nb"`,
    `\u00a0\ufeff\u2003[1,\u20282]`,
    `{ null: 1, true: 2, Infinity: 3 }`,
    `[1,]`,
    `"\\a\\/"`,
  ];
  it.each(texts)('reads %s as the json5 library does', (text) => {
    expect(readJson5(text).value).toStrictEqual(JSON5.parse(text));
  });

  it('takes bare line separators in strings without a warning', () => {
    expect(readJson5('"a\u2028b\\n"').value).toBe('a\u2028b\n');
    expect(readJson5('"a\\\u2028b\\\\\u2029"').value).toBe('ab\\\u2029');
  });
});

describe('readJson5 errors', () => {
  const cases: readonly (readonly [text: string, error: string])[] = [
    ['', '0: expected an object in braces, found the end of the file'],
    ['{a:1', '4: expected `,` or `}` after the value of `a` to close the `{` of line 1, found the end of the file'],
    ['{a:1\n b:2}', '6: expected `,` or `}` after the value of `a`, found `b`'],
    ['{a 1}', '3: expected `:` after the key `a`, found `1`'],
    ['{a:}', '3: expected a value, found `}`'],
    ['{,}', '1: expected a key or `}`, found `,`'],
    ['{1a:2}', '1: expected a key or `}`, found `1a`'],
    ['[1 2]', '3: expected `,` or `]` after the element, found `2`'],
    ['[1,,2]', '3: expected a value or `]`, found `,`'],
    ['\n[', '2: expected a value or `]` to close the `[` of line 2, found the end of the file'],
    ['{a: proxy}', '4: expected a value (text goes in quotes), found `proxy`'],
    ['{a: "b\n"}', '4: expected a closing `"` on the same line for the string that starts here'],
    ["['b]", "1: expected a closing `'` on the same line for the string that starts here"],
    ['["\\u12"]', '1: expected a string whose `\\` escapes are \\n, \\t, \\", \\\\, \\xHH, \\uHHHH or the like'],
    ['{} {}', '3: expected nothing after the end of the value, found `{`'],
    ['[1] /* x', '4: expected `*/` to close the comment that starts here'],
    ['[/ 1]', '1: expected `//` or `/*` to begin a comment, found a single `/`'],
    ['[01]', '1: expected a value or `]`, found `01`'],
    ['[1.5.2]', '4: expected `,` or `]` after the element, found `.2`'],
    ['[\u0001]', '1: expected a value or `]`, found the character U+0001'],
    ['['.repeat(MAX_DEPTH + 1), `${MAX_DEPTH}: expected at most ${MAX_DEPTH} levels of nesting, found \`[\``],
  ];
  it.each(cases)('says what was expected in %j', (text, error) => {
    expect(failure(text)).toBe(error);
  });
});

describe('readJson5 remarks', () => {
  it('reports a repeated key with both places', () => {
    const { remarks } = readJson5('{ a: 1, b: 2, "a": 3 }');
    expect(remarks).toEqual([{ node: 3, offset: 14, message: 'the key `a` is repeated', earlier: 2 }]);
  });

  it('reports __proto__ and does not set it', () => {
    const { value, remarks } = readJson5('{ "__proto__": { polluted: 1 } }');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value as object)).toEqual([]);
    expect(remarks.map((each) => each.message)).toEqual(['the key `__proto__` is not allowed']);
  });

  it.each(['NaN', 'Infinity', '-Infinity', '1e999'])('reports %s', (text) => {
    expect(readJson5(`[${text}]`).remarks.map((each) => each.message)).toEqual([
      `expected a finite number, found ${text}`,
    ]);
  });
});

/** Characters that a slip of the keyboard, or an attack, could put anywhere. */
const SLIPS = [
  ...Array.from('{}[]:,\'"\\/*-+.0123456789eExXuNaInfty \n\t_$'),
  '\u00a0',
  '\ufeff',
  'é',
  '\0',
  '//',
  '/*',
  '*/',
  'true',
  '0x',
];

const json5Text = fc.json({ maxDepth: 4 }).chain((json) =>
  fc
    .array(fc.record({ at: fc.nat(json.length), remove: fc.nat(2), insert: fc.constantFrom('', ...SLIPS) }), {
      maxLength: 3,
    })
    .map((slips) => {
      let text = json.replaceAll('__proto__', 'proto').replaceAll(/"([a-z]+)":/gi, '$1 : ');
      for (const { at, remove, insert } of slips) text = text.slice(0, at) + insert + text.slice(at + remove);
      return text;
    }),
);

describe('readJson5 and the json5 library', () => {
  it('accept the same texts, and read the same values from them', () => {
    fc.assert(
      fc.property(json5Text, (text) => {
        fc.pre(!/[\u2028\u2029]|__proto__/.test(text));
        let expected: unknown;
        let accepted = true;
        try {
          expected = JSON5.parse(text);
        } catch {
          accepted = false;
        }
        const message = failure(text);
        expect(message === 'none', `${JSON.stringify(text)}: ${message}`).toBe(accepted);
        if (accepted) expect(readJson5(text).value).toStrictEqual(expected);
      }),
      { numRuns: 10_000 },
    );
  });
});
