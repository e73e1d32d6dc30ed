import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../base/index.ts';
import { CHUNKED } from '../message/index.ts';
import { BodyDecoder } from './body-decoder.ts';
import { bytesOf, expectWire } from './testing/expect-wire.ts';

const HEAD = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n';
const HEAD_LOG = ['POST / 1.1', 'Transfer-Encoding: chunked', '(chunked)'];

/** Short bodies, so that every cut is tried. */
const ACCEPTED: readonly [name: string, body: string, log: readonly string[]][] = [
  ['no chunk but the last', '0\r\n\r\n', []],
  ['a chunk', '5\r\nhello\r\n0\r\n\r\n', ['content hello']],
  ['several chunks', '1\r\nh\r\n3\r\nell\r\n1\r\no\r\n0\r\n\r\n', ['content hello']],
  [
    'hexadecimal digits in both cases',
    `a\r\n${'x'.repeat(10)}\r\nB\r\n${'y'.repeat(11)}\r\n0\r\n\r\n`,
    [`content ${'x'.repeat(10)}${'y'.repeat(11)}`],
  ],
  ['leading zeros', '0005\r\nhello\r\n000\r\n\r\n', ['content hello']],
  ['the most digits', '0000000000005\r\nhello\r\n0\r\n\r\n', ['content hello']],
  ['CR, LF and digits as content', '8\r\n0\r\n\r\n\r\n1\r\n0\r\n\r\n', ['content 0\r\n\r\n\r\n1']],
  ['trailer fields, §7.1.2', '0\r\na: 1\r\nB:2\r\n\r\n', ['trailer a: 1', 'trailer B: 2']],
  ['an extension, §7.1.1', '1;a\r\nx\r\n0\r\n\r\n', ['content x']],
  ['an extension of the last chunk', '0;a=b\r\n\r\n', []],
  ['extensions with values', '1;a=b;c=d\r\nx\r\n0\r\n\r\n', ['content x']],
  ['an extension with a quoted value', '1;a="b;=\\" \xe4\t"\r\nx\r\n0\r\n\r\n', ['content x']],
  ['an empty quoted value', '1;a="";b\r\nx\r\n0\r\n\r\n', ['content x']],
  ['bad white space before the first ";", RFC 9110 §5.6.3', '5 ;x\r\nhello\r\n0\r\n\r\n', ['content hello']],
  ['bad white space everywhere', '1 \t; a \t= b ; c = "d" ;e\r\nx\r\n0\r\n\r\n', ['content x']],
];

const INCOMPLETE: readonly [name: string, body: string, log: readonly string[]][] = [
  ['nothing', '', []],
  ['a size', '5', []],
  ['a size and CR', '5\r', []],
  ['a size and CRLF', '5\r\n', []],
  ['half a chunk', '5\r\nhel', ['content hel']],
  ['the content of a chunk', '5\r\nhello', ['content hello']],
  ['a chunk and CR', '5\r\nhello\r', ['content hello']],
  ['a chunk', '5\r\nhello\r\n', ['content hello']],
  ['the last chunk', '0\r\n', []],
  ['the last CR', '0\r\n\r', []],
  ['a trailer field', '0\r\na: b\r\n', []],
  ['the CR behind a trailer section', '0\r\na: b\r\n\r', []],
];

/** Each is refused by its last byte at the latest. */
const REFUSED: readonly [name: string, body: string, log: readonly string[], code: ErrorCode][] = [
  ['no size', '\r', [], 'bad_chunk'],
  ['an extension without a size', ';', [], 'bad_chunk'],
  ['a size of 0x10', '0x', [], 'bad_chunk'],
  ['a size of +5', '+', [], 'bad_chunk'],
  ['a size of -1', '-', [], 'bad_chunk'],
  ['a space before the size', ' ', [], 'bad_chunk'],
  ['an underscore in the size', '1_', [], 'bad_chunk'],
  ['a letter behind f', 'g', [], 'bad_chunk'],
  ['a quote', '"', [], 'bad_chunk'],
  ['a byte above ASCII', '\xb2', [], 'bad_chunk'],
  ['a space behind the size', '5 \r', [], 'bad_chunk'],
  ['a tab behind the size', '5\t\r', [], 'bad_chunk'],
  ['a digit behind a space', '5 0', [], 'bad_chunk'],
  ['a size that overflows', '10000000000000', [], 'bad_chunk'],
  ['a size that overflows 64 bits', '10000000000000005', [], 'bad_chunk'],
  ['too many zeros', '00000000000000', [], 'bad_chunk'],
  ['a lone LF behind the size', '5\n', [], 'bad_chunk'],
  ['CR without LF behind the size', '5\rh', [], 'bad_chunk'],
  ['CR CR LF behind the size', '5\r\r', [], 'bad_chunk'],
  ['no CRLF behind the content', '5\r\nhello0', ['content hello'], 'bad_chunk'],
  ['a lone LF behind the content', '5\r\nhello\n', ['content hello'], 'bad_chunk'],
  ['CR without LF behind the content', '5\r\nhello\r0', ['content hello'], 'bad_chunk'],
  ['more content than the size', '5\r\nhello!', ['content hello'], 'bad_chunk'],
  ['an empty extension', '5;\r', [], 'bad_chunk'],
  ['an empty extension before another', '5;;', [], 'bad_chunk'],
  ['an extension without a name', '5;=', [], 'bad_chunk'],
  ['a quoted name', '5;"', [], 'bad_chunk'],
  ['an extension without a value', '5;a=\r', [], 'bad_chunk'],
  ['an extension without a value, before another', '5;a=;', [], 'bad_chunk'],
  ['two equals signs', '5;a==', [], 'bad_chunk'],
  ['a second value', '5;a=b=', [], 'bad_chunk'],
  ['a name of two words', '5;a b', [], 'bad_chunk'],
  ['a value of two words', '5;a=b c', [], 'bad_chunk'],
  ['a space at the end of an extension', '5;a \r', [], 'bad_chunk'],
  ['a space behind a value', '5;a=b \r', [], 'bad_chunk'],
  ['a quote within a value', '5;a=b"', [], 'bad_chunk'],
  ['text behind a quoted value', '5;a="b"c', [], 'bad_chunk'],
  ['a quote that is not closed', '5;a="b\r', [], 'bad_chunk'],
  ['CRLF in a quote', '5;a="\r', [], 'bad_chunk'],
  ['an escaped CR', '5;a="\\\r', [], 'bad_chunk'],
  ['an escaped LF', '5;a="\\\n', [], 'bad_chunk'],
  ['a lone LF in an extension', '5;a\n', [], 'bad_chunk'],
  ['a lone LF in a quote', '5;a="\n', [], 'bad_chunk'],
  ['CR without LF behind an extension', '5;a\rb', [], 'bad_chunk'],
  ['NUL in an extension', '5;\0', [], 'bad_chunk'],
  ['DEL in a quote', '5;a="\x7f', [], 'bad_chunk'],
  ['a byte above ASCII in a name', '5;\xe4', [], 'bad_chunk'],
  ['a lone LF for the last line', '0\r\n\n', [], 'bad_trailer'],
  ['CR without LF for the last line', '0\r\n\rX', [], 'bad_trailer'],
  ['a trailer that is no field', '0\r\nGET /', [], 'bad_trailer'],
  ['a space before the colon of a trailer', '0\r\na ', [], 'bad_trailer'],
  ['a folded trailer', '0\r\na: b\r\n ', [], 'bad_trailer'],
  ['white space before the first trailer', '0\r\n ', [], 'bad_trailer'],
  ['a bare CR in a trailer', '0\r\na: b\rc', [], 'bad_trailer'],
  ['a lone LF behind a trailer', '0\r\na: b\n', [], 'bad_trailer'],
  ['NUL in a trailer', '0\r\na: \0', [], 'bad_trailer'],
];

describe('ChunkedDecoder, RFC 9112 §7.1', () => {
  it.each(ACCEPTED)('reads %s', (_name, body, log) => {
    expectWire({ kind: 'request' }, HEAD + body, [...HEAD_LOG, ...log, 'end']);
  });
  it.each(INCOMPLETE)('waits for more behind %s', (_name, body, log) => {
    expectWire({ kind: 'request' }, HEAD + body, [...HEAD_LOG, ...log, 'more']);
  });
  it.each(REFUSED)('refuses %s', (_name, body, log, code) => {
    expectWire({ kind: 'request' }, HEAD + body, [...HEAD_LOG, ...log, `error ${code}`]);
  });

  it('fails with the code of a response for what an upstream sends', () => {
    const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
    const log = ['1.1 200 OK', 'Transfer-Encoding: chunked', '(chunked)', 'error bad_response'];
    expectWire({ kind: 'response' }, `${head}x`, log);
    expectWire({ kind: 'response' }, `${head}0\r\n:`, log);
  });

  it('bounds the extensions of a chunk, and of all chunks together', () => {
    const chunk = (bytes: number) => `1;${'e'.repeat(bytes - 1)}\r\nx\r\n`;
    expectWire({ kind: 'request' }, `${HEAD}${chunk(256)}0\r\n\r\n`, [...HEAD_LOG, 'content x', 'end']);
    expectWire({ kind: 'request' }, `${HEAD}${chunk(257)}`, [...HEAD_LOG, 'error bad_chunk']);
    expectWire({ kind: 'request' }, `${HEAD}1${' '.repeat(257)}`, [...HEAD_LOG, 'error bad_chunk']);
    const full = HEAD + chunk(256).repeat(64);
    expectWire({ kind: 'request' }, `${full}0\r\n\r\n`, [...HEAD_LOG, `content ${'x'.repeat(64)}`, 'end']);
    expectWire({ kind: 'request' }, `${full}0;`, [...HEAD_LOG, `content ${'x'.repeat(64)}`, 'error bad_chunk']);
  });

  it('bounds the trailer section', () => {
    const trailer = (bytes: number) => `0\r\na: ${'v'.repeat(bytes - 7)}\r\n\r\n`;
    expectWire({ kind: 'request' }, HEAD + trailer(8192), [...HEAD_LOG, `trailer a: ${'v'.repeat(8185)}`, 'end']);
    expectWire({ kind: 'request' }, HEAD + trailer(8193), [...HEAD_LOG, 'error bad_trailer']);
    const lines = Array.from({ length: 65 }, (_, i) => `a: ${i}`);
    const section = (count: number) => `0\r\n${lines.slice(0, count).join('\r\n')}\r\n`;
    const log = lines.slice(0, 64).map((line) => `trailer ${line}`);
    expectWire({ kind: 'request' }, `${HEAD}${section(64)}\r\n`, [...HEAD_LOG, ...log, 'end']);
    expectWire({ kind: 'request' }, HEAD + section(65), [...HEAD_LOG, 'error bad_trailer']);
  });

  it('forgets trailers, extensions and sizes between two bodies', () => {
    const decoder = new BodyDecoder('bad_chunk', 'bad_trailer');
    const sink = { onBody: () => undefined };
    const first = bytesOf(`${`1;${'e'.repeat(255)}\r\nx\r\n`.repeat(64)}0\r\na: b\r\n\r\n`);
    decoder.start(CHUNKED);
    expect(decoder.feed(first, 0, first.length, sink)).toBe(first.length);
    expect(decoder.trailers?.get('A')).toBe('b');
    const second = bytesOf('1;e\r\nx\r\n0\r\n\r\n');
    decoder.start(CHUNKED);
    expect(decoder.trailers).toBeNull();
    expect(decoder.feed(second, 0, second.length, sink)).toBe(second.length);
    expect([decoder.done, decoder.trailers]).toEqual([true, null]);
  });
});
