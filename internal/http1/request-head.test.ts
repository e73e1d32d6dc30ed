import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../base/index.ts';
import { FieldId } from '../message/index.ts';
import { MORE } from './head-reader.ts';
import { DEFAULT_HEAD_LIMITS } from './limits.ts';
import { RequestHeadReader } from './request-head.ts';
import { bytesOf, expectWire } from './testing/expect-wire.ts';

const REQUEST = { kind: 'request' } as const;

const ACCEPTED: readonly [name: string, wire: string, log: readonly string[]][] = [
  ['the least request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', ['GET / 1.1', 'Host: a', 'end']],
  ['no field at all, as far as the head goes', 'GET / HTTP/1.1\r\n\r\n', ['GET / 1.1', 'end']],
  ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', ['GET / 1.0', 'end']],
  ['one empty line before the request line, §2.2', '\r\nGET / HTTP/1.1\r\n\r\n', ['GET / 1.1', 'end']],
  ['any token as a method, §3.1', "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\n\r\n", ["!#$%&'*+-.^_`|~09azAZ / 1.1", 'end']],
  ['methods with case, RFC 9110 §9.1', 'get / HTTP/1.1\r\n\r\n', ['get / 1.1', 'end']],
  ['a method that starts as a common one', 'GETS / HTTP/1.1\r\n\r\n', ['GETS / 1.1', 'end']],
  ['the longest method', `${'M'.repeat(32)} / HTTP/1.1\r\n\r\n`, [`${'M'.repeat(32)} / 1.1`, 'end']],
  ['bytes in a query that browsers send', 'GET /a?b=|{}^"\\<> HTTP/1.1\r\n\r\n', ['GET /a?b=|{}^"\\<> 1.1', 'end']],
  ['a value without white space before it, §5', 'GET / HTTP/1.1\r\na:b\r\n\r\n', ['GET / 1.1', 'a: b', 'end']],
  ['white space around a value, §5', 'GET / HTTP/1.1\r\na: \t b \t\r\n\r\n', ['GET / 1.1', 'a: b', 'end']],
  ['white space within a value', 'GET / HTTP/1.1\r\na: b \t c\r\n\r\n', ['GET / 1.1', 'a: b \t c', 'end']],
  ['empty values', 'GET / HTTP/1.1\r\na:\r\nb: \r\nc:\t \r\n\r\n', ['GET / 1.1', 'a: ', 'b: ', 'c: ', 'end']],
  ['bytes above ASCII in the target', 'GET /\xe4?\xff HTTP/1.1\r\n\r\n', ['GET /\xe4?\xff 1.1', 'end']],
  ['a higher minor version, RFC 9110 §2.5', 'GET / HTTP/1.2\r\n\r\n', ['GET / 1.1', 'end']],
  [
    'leading zeros of Content-Length',
    'GET / HTTP/1.1\r\nContent-Length: 000\r\n\r\n',
    ['GET / 1.1', 'Content-Length: 0', 'end'],
  ],
  ['obs-text in a value, RFC 9110 §5.5', 'GET / HTTP/1.1\r\na: \x80\xff\r\n\r\n', ['GET / 1.1', 'a: \x80\xff', 'end']],
  ['colons in a value', 'GET / HTTP/1.1\r\na: b:c\r\nb::\r\n\r\n', ['GET / 1.1', 'a: b:c', 'b: :', 'end']],
  [
    'any token as a name, RFC 9110 §5.1',
    "GET / HTTP/1.1\r\n!#$%&'*+-.^_`|~0: v\r\n\r\n",
    ['GET / 1.1', "!#$%&'*+-.^_`|~0: v", 'end'],
  ],
  [
    'names in the case and the order received',
    'GET / HTTP/1.1\r\nB: 1\r\na: 2\r\nB: 3\r\n\r\n',
    ['GET / 1.1', 'B: 1', 'a: 2', 'B: 3', 'end'],
  ],
];

const INCOMPLETE: readonly [name: string, wire: string][] = [
  ['half an empty line', '\r'],
  ['an empty line alone', '\r\n'],
  ['a method', 'GET'],
  ['a target', 'GET /'],
  ['half a version', 'GET / HTTP/1'],
  ['a request line without its LF', 'GET / HTTP/1.1\r'],
  ['a request line', 'GET / HTTP/1.1\r\n'],
  ['a name', 'GET / HTTP/1.1\r\nHost'],
  ['a value', 'GET / HTTP/1.1\r\nHost: a'],
  ['a field line without its LF', 'GET / HTTP/1.1\r\nHost: a\r'],
  ['a head but for its last line', 'GET / HTTP/1.1\r\nHost: a\r\n'],
  ['a head but for its last LF', 'GET / HTTP/1.1\r\nHost: a\r\n\r'],
];

/** Each is refused by its last byte at the latest: no more has to come. */
const REFUSED: readonly [name: string, wire: string, code: ErrorCode][] = [
  // The request line, RFC 9112 §3.
  ['a TLS ClientHello', '\x16', 'bad_start_line'],
  ['an SSH banner', 'SSH-2.0-OpenSSH_9.6\r', 'bad_start_line'],
  ['an SSH banner with a comment', 'SSH-2.0-OpenSSH_9.6 Debian-2\r', 'bad_start_line'],
  ['a PROXY header that is not expected', 'PROXY TCP4 192', 'bad_start_line'],
  ['a PROXY v2 header', '\r\n\r', 'bad_start_line'],
  ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n', 'bad_version'],
  ['HTTP/0.9: no version', 'GET /\r', 'bad_start_line'],
  ['no version and a lone LF', 'GET /\n', 'bad_start_line'],
  ['a space but no version', 'GET / \r', 'bad_start_line'],
  ['no target', 'GET HTTP/1.1\r', 'bad_start_line'],
  ['two spaces before the target', 'GET  ', 'bad_start_line'],
  ['two spaces before the version', 'GET /  ', 'bad_start_line'],
  ['a space behind the version', 'GET / HTTP/1.1 ', 'bad_start_line'],
  ['a tab for a space', 'GET\t', 'bad_start_line'],
  ['a tab before the version', 'GET /\t', 'bad_target'],
  ['a space before the method', ' ', 'bad_start_line'],
  ['a space in the target', 'GET /a b', 'bad_start_line'],
  ['two empty lines', '\r\n\r', 'bad_start_line'],
  ['a lone LF before the request line', '\n', 'bad_start_line'],
  ['CR CR LF before the request line', '\r\r', 'bad_start_line'],
  ['a method that is no token', 'G(', 'bad_start_line'],
  ['a method with a colon', 'GET:', 'bad_start_line'],
  ['a method beyond its limit', 'M'.repeat(33), 'bad_start_line'],
  // The version, §2.3.
  ['a version in lower case', 'GET / h', 'bad_start_line'],
  ['another protocol', 'GET / FTP', 'bad_start_line'],
  ['a version of one number', 'GET / HTTP/1\r', 'bad_start_line'],
  ['a minor version of two digits', 'GET / HTTP/1.10', 'bad_start_line'],
  ['a major version of two digits', 'GET / HTTP/11', 'bad_start_line'],
  ['a minor version that is no digit', 'GET / HTTP/1.x', 'bad_start_line'],
  ['HTTP/3.0', 'GET / HTTP/3.0\r\n', 'bad_version'],
  ['HTTP/0.9 with a version', 'GET / HTTP/0.9\r\n', 'bad_version'],
  ['a version ended by a lone LF, §2.2', 'GET / HTTP/1.1\n', 'bad_start_line'],
  ['a version ended by CR CR', 'GET / HTTP/1.1\r\r', 'bad_start_line'],
  // The target, §3.2.
  ['a fragment', 'GET /#', 'bad_target'],
  ['NUL in the target', 'GET /\0', 'bad_target'],
  ['DEL in the target', 'GET /\x7f', 'bad_target'],
  ['DEL in the target', 'GET /\x7f', 'bad_target'],
  // Field lines, §5.
  ['a space before the colon, §5.1', 'GET / HTTP/1.1\r\nTransfer-Encoding ', 'bad_field_line'],
  ['a tab before the colon', 'GET / HTTP/1.1\r\nTransfer-Encoding\t', 'bad_field_line'],
  ['an obs-fold, §5.2', 'GET / HTTP/1.1\r\na: b\r\n ', 'bad_field_line'],
  ['an obs-fold of a tab', 'GET / HTTP/1.1\r\na: b\r\n\t', 'bad_field_line'],
  ['white space before the first field, §2.2', 'GET / HTTP/1.1\r\n ', 'bad_field_line'],
  ['a line without a colon', 'GET / HTTP/1.1\r\nHost\r', 'bad_field_line'],
  ['an empty name', 'GET / HTTP/1.1\r\n:', 'bad_field_line'],
  ['a name that is no token', 'GET / HTTP/1.1\r\nHo(', 'bad_field_line'],
  ['a name above ASCII', 'GET / HTTP/1.1\r\nH\xf6', 'bad_field_line'],
  ['NUL in a name', 'GET / HTTP/1.1\r\nHo\0', 'bad_field_line'],
  ['NUL in a value, RFC 9110 §5.5', 'GET / HTTP/1.1\r\na: b\0', 'bad_field_line'],
  ['a vertical tab in a value', 'GET / HTTP/1.1\r\nTransfer-Encoding: \x0b', 'bad_field_line'],
  ['a form feed in a value', 'GET / HTTP/1.1\r\nTransfer-Encoding: \x0c', 'bad_field_line'],
  ['DEL in a value', 'GET / HTTP/1.1\r\na: \x7f', 'bad_field_line'],
  ['a bare CR in a value, §2.2', 'GET / HTTP/1.1\r\na: b\rc', 'bad_field_line'],
  ['a bare LF behind a value', 'GET / HTTP/1.1\r\na: b\n', 'bad_field_line'],
  ['CR CR LF behind a value', 'GET / HTTP/1.1\r\na: b\r\r', 'bad_field_line'],
  ['a lone LF for the empty line', 'GET / HTTP/1.1\r\na: b\r\n\n', 'bad_field_line'],
  ['a bare CR for the empty line', 'GET / HTTP/1.1\r\n\rX', 'bad_field_line'],
  ['a lone LF in a name', 'GET / HTTP/1.1\r\na\n', 'bad_field_line'],
];

describe('RequestHeadReader', () => {
  it.each(ACCEPTED)('reads %s', (_name, wire, log) => expectWire(REQUEST, wire, log));
  it.each(INCOMPLETE)('waits for more behind %s', (_name, wire) => expectWire(REQUEST, wire, ['more']));
  it.each(REFUSED)('refuses %s', (_name, wire, code) => expectWire(REQUEST, wire, [`error ${code}`]));

  it.each<[target: string, mayNeedNormalizing: boolean, hasQuery: boolean]>([
    ['/a', false, false],
    ['/a.b', true, false],
    ['/%41', true, false],
    ['/a?b', false, true],
  ])('notes what of %s has to be looked at again', (target, mayNeedNormalizing, hasQuery) => {
    const wire = bytesOf(`GET ${target} HTTP/1.1\r\n\r\n`);
    for (let cut = 0; cut < wire.length; cut++) {
      const head = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
      head.feed(wire, 0, cut);
      expect(head.feed(wire, cut, wire.length)).toBe(wire.length);
      expect([head.mayNeedNormalizing, head.hasQuery]).toEqual([mayNeedNormalizing, hasQuery]);
    }
  });

  it('has started with the first byte, not with none, and anew after a reset', () => {
    const head = new RequestHeadReader(DEFAULT_HEAD_LIMITS);
    const wire = bytesOf('GET /a?b.c HTTP/1.0\r\nHost: a\r\n\r\n');
    expect(head.feed(wire, 0, 0)).toBe(MORE);
    expect(head.started).toBe(false);
    expect(head.feed(wire, 0, 1)).toBe(MORE);
    expect(head.started).toBe(true);
    head.feed(wire, 1, 25);
    head.reset();
    expect([head.started, head.fields.count, head.fields.holds(FieldId.host)]).toEqual([false, 0, false]);
    const second = bytesOf('PURGE / HTTP/1.1\r\n\r\n');
    expect(head.feed(second, 0, second.length)).toBe(second.length);
    expect([head.method, head.target, head.minorVersion, head.hasQuery]).toEqual(['PURGE', '/', 1, false]);
  });
});

describe('limits of a request head', () => {
  const LIMITS = { maxHeaderBytes: 300, maxHeaders: 4, maxTargetBytes: 100 };
  const limited = { kind: 'request', limits: LIMITS } as const;
  const field = (bytes: number) => `a: ${'v'.repeat(bytes - 5)}`;
  const log = (bytes: number) => ['GET / 1.1', field(bytes), 'end'];
  const headOf = (bytes: number) => `GET / HTTP/1.1\r\n${field(bytes - 18)}\r\n\r\n`;

  it('takes a head of exactly max_header_bytes, and 431 is one byte beyond', () => {
    expect(headOf(300)).toHaveLength(300);
    expectWire(limited, headOf(300), log(282));
    expectWire(limited, headOf(301), ['error head_too_large']);
    expectWire(limited, headOf(5000), ['error head_too_large']);
  });

  it('waits at the limit and refuses the next byte, without the end of the line', () => {
    expectWire(limited, headOf(302).slice(0, 300), ['more']);
    expectWire(limited, headOf(400).slice(0, 301), ['error head_too_large']);
  });

  it('counts an empty line before the request line', () => {
    expectWire(limited, `\r\n${headOf(298)}`, log(280));
    expectWire(limited, `\r\n${headOf(299)}`, ['error head_too_large']);
  });

  it('lets the limit win over a fault behind it, and a fault before it win over the limit', () => {
    expectWire(limited, `${headOf(400).slice(0, 301)}\0`, ['error head_too_large']);
    expectWire(limited, `${headOf(400).slice(0, 300)}\0`, ['error bad_field_line']);
  });

  it('takes max_headers fields, and 431 is one more', () => {
    const four = ['a: 1', 'b: 2', 'c: 3', 'd: 4'];
    expectWire(limited, `GET / HTTP/1.1\r\n${four.join('\r\n')}\r\n\r\n`, ['GET / 1.1', ...four, 'end']);
    expectWire(limited, `GET / HTTP/1.1\r\n${four.join('\r\n')}\r\ne: 5\r\n`, ['error head_too_large']);
  });

  it('takes a target of exactly max_target_bytes, and 414 is one byte beyond, whether it ends or not', () => {
    const target = `/${'t'.repeat(99)}`;
    expectWire(limited, `GET ${target} HTTP/1.1\r\n\r\n`, [`GET ${target} 1.1`, 'end']);
    expectWire(limited, `GET ${target}t`, ['error target_too_long']);
    expectWire(limited, `GET ${target}t HTTP/1.1\r\n\r\n`, ['error target_too_long']);
    expectWire(limited, `GET ${target.repeat(50)}`, ['error target_too_long']);
  });

  it('fails with 414 as well when the target alone fills the head', () => {
    const wire = { kind: 'request', limits: { ...LIMITS, maxTargetBytes: 1000 } } as const;
    expectWire(wire, `GET /${'t'.repeat(295)}`, ['more']);
    expectWire(wire, `GET /${'t'.repeat(296)}`, ['error target_too_long']);
  });

  it('holds by default what DESIGN asks for: 32768, 8192 and 128', () => {
    const wire = { kind: 'request' } as const;
    expectWire(wire, headOf(32_768), log(32_750));
    expectWire(wire, headOf(32_769), ['error head_too_large']);
    const target = `/${'t'.repeat(8191)}`;
    expectWire(wire, `GET ${target} HTTP/1.1\r\n\r\n`, [`GET ${target} 1.1`, 'end']);
    expectWire(wire, `GET ${target}t`, ['error target_too_long']);
    const lines = Array.from({ length: 129 }, (_, i) => `a: ${i}`);
    expectWire(wire, `GET / HTTP/1.1\r\n${lines.slice(1).join('\r\n')}\r\n\r\n`, [
      'GET / 1.1',
      ...lines.slice(1),
      'end',
    ]);
    expectWire(wire, `GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n`, ['error head_too_large']);
  });
});
