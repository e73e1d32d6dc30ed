/** Generators of messages, well-formed and not, for the property tests and the differential test. */
import fc from 'fast-check';

/** tchar (RFC 9110 §5.6.2). */
const TCHARS = Array.from("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/** A token, short as a rule. */
export const token = fc.string({ unit: fc.constantFrom(...TCHARS), minLength: 1, maxLength: 8 });

/** Names that the codec knows, in one case or another, and others, few enough to repeat. */
export const fieldName = fc.oneof(
  token,
  fc
    .tuple(
      fc.constantFrom('host', 'via', 'date', 'te', 'user-agent', 'x-forwarded-for', 'referer', 'a', 'b', 'keep-alive'),
      fc.infiniteStream(fc.boolean()),
    )
    .map(([name, upper]) => Array.from(name, (char) => (upper.next().value ? char.toUpperCase() : char)).join('')),
);

/** A byte that may stand in a field value, visible or not; SP and HTAB are frequent. */
const valueChar = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0x21, max: 0x7e }) },
  { weight: 1, arbitrary: fc.integer({ min: 0x80, max: 0xff }) },
  { weight: 1, arbitrary: fc.constantFrom(0x20, 0x09) },
);

/** A field value: no white space around it. */
export const fieldValue = fc
  .string({ unit: valueChar.map((code) => String.fromCharCode(code)), maxLength: 20 })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));

/** Optional white space (RFC 9110 §5.6.3). */
export const ows = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });

/** A request target of visible ASCII. */
export const target = fc
  .string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 20 })
  .map((text) => `/${text.replaceAll('#', '')}`);

/** A legal chunk extension (RFC 9112 §7.1.1), bad white space included. */
export const chunkExtension = fc
  .tuple(ows, ows, token, fc.option(fc.tuple(ows, ows, fc.oneof(token, quotedString()))))
  .map(([before, behind, name, value]) => {
    const tail = value === null ? '' : `${value[0]}=${value[1]}${value[2]}`;
    return `${before};${behind}${name}${tail}`;
  });

/** Where to cut some bytes: positions as shares of the length. */
export const cutShares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 });

/** Ascending positions within a length, without doubles; none at either end. */
export function cutsAt(shares: readonly number[], length: number): number[] {
  const cuts = new Set(shares.map((share) => Math.round(share * length)));
  return [...cuts].filter((cut) => cut > 0 && cut < length).sort((a, b) => a - b);
}

/** Parts of messages, and of attacks on parsers. */
const PIECES = [
  'GET ',
  'POST ',
  'OPTIONS * ',
  '/ ',
  '/a?b ',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 304 ',
  '\r\n',
  '\r\n\r\n',
  '\r',
  '\n',
  ' ',
  '\t',
  '\0',
  '\x0b',
  '\x7f',
  '\xff',
  ':',
  ': ',
  ';',
  ',',
  '"',
  '\\',
  '=',
  'Host: a\r\n',
  'Host',
  'a:b\r\n',
  'Content-Length: 5\r\n',
  'Content-Length: 0\r\n',
  'Content-Length:',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding :',
  'chunked',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
  'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
  'HTTP/1.1 200 \r\n\r\n',
  '5\r\nhello\r\n',
  '0\r\n',
  '0\r\n\r\n',
  '1;a=b\r\nx\r\n',
  '1 ;a="b\\""\r\nx\r\n',
  '0\r\nt: v\r\n\r\n',
  '5',
  'ffffffffffffff',
  'hello',
] as const;

/** Bytes that nearly form a message, with some random ones. */
export const nearlyMessage = fc
  .array(
    fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...PIECES) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
    ),
    { maxLength: 14 },
  )
  .map((pieces) => Buffer.from(pieces.join(''), 'latin1'));

function quotedString(): fc.Arbitrary<string> {
  const char = valueChar.map((code) => String.fromCharCode(code));
  const unit = fc.oneof(
    char.filter((text) => text !== '"' && text !== '\\'),
    char.map((text) => `\\${text}`),
  );
  return fc.string({ unit, maxLength: 6 }).map((text) => `"${text}"`);
}
