import { describe, it } from 'vitest';
import type { ErrorCode } from '../base/index.ts';
import { expectWire } from './testing/expect-wire.ts';

const REQUEST = { kind: 'request' } as const;
const RESPONSE = { kind: 'response' } as const;

type Body = readonly [name: string, fields: readonly string[], content: string, log: readonly string[]];
type Refused = readonly [name: string, fields: readonly string[], code: ErrorCode];

const REQUEST_BODIES: readonly Body[] = [
  ['step 7: neither field, no body', [], '', []],
  ['step 6: a length', ['Content-Length: 5'], 'hello', ['(length 5)', 'content hello']],
  ['step 6: a length of 0', ['Content-Length: 0'], '', []],
  ['step 4: chunked', ['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n', ['(chunked)', 'content hello']],
  ['step 4: in any case', ['transfer-ENCODING: Chunked'], '0\r\n\r\n', ['(chunked)']],
  [
    'content that looks like a request',
    ['Content-Length: 18'],
    'GET / HTTP/1.1\r\n\r\n',
    ['(length 18)', 'content GET / HTTP/1.1\r\n\r\n'],
  ],
];

const BAD_LENGTHS: readonly Refused[] = [
  '5, 5',
  '5,5',
  '5 5',
  '5,',
  ',5',
  '+5',
  '-1',
  '-0',
  '0x10',
  '5.0',
  '1e3',
  'five',
  '',
  '"5"',
  '5;',
  '\xb2',
  '5_0',
  '9007199254740992',
  '99999999999999999999',
  '00000000000000005',
].map((value) => [`Content-Length: ${value}`, [`Content-Length: ${value}`], 'bad_content_length']);

const REFUSED_REQUESTS: readonly Refused[] = [
  ...BAD_LENGTHS,
  ['step 5: different lengths', ['Content-Length: 5', 'Content-Length: 6'], 'bad_content_length'],
  ['step 5: the same length twice', ['Content-Length: 5', 'Content-Length: 5'], 'bad_content_length'],
  ['step 3, CL.TE: both fields', ['Content-Length: 6', 'Transfer-Encoding: chunked'], 'bad_framing'],
  ['step 3, TE.CL: both fields', ['Transfer-Encoding: chunked', 'Content-Length: 3'], 'bad_framing'],
  ['both fields, one of them malformed', ['Content-Length: x', 'Transfer-Encoding: chunked'], 'bad_framing'],
  ['both fields, the coding unknown', ['Content-Length: 1', 'Transfer-Encoding: gzip'], 'bad_framing'],
  ['step 4, TE.TE: chunked is not last', ['Transfer-Encoding: chunked, identity'], 'bad_framing'],
  [
    'TE.TE: the last of two fields is not chunked',
    ['Transfer-Encoding: chunked', 'Transfer-encoding: x'],
    'bad_framing',
  ],
  [
    'TE.TE: the first of two fields is not chunked',
    ['Transfer-Encoding: x', 'Transfer-encoding: chunked'],
    'unknown_coding',
  ],
  ['xchunked', ['Transfer-Encoding: xchunked'], 'bad_framing'],
  ['identity', ['Transfer-Encoding: identity'], 'bad_framing'],
  ['gzip alone', ['Transfer-Encoding: gzip'], 'bad_framing'],
  ['gzip, then chunked: §6.1 asks for 501', ['Transfer-Encoding: gzip, chunked'], 'unknown_coding'],
  ['two codings, then chunked', ['Transfer-Encoding: xchunked ,\tgzip,chunked'], 'unknown_coding'],
  ['chunked twice, §6.1', ['Transfer-Encoding: chunked, chunked'], 'bad_framing'],
  ['chunked in two fields', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 'bad_framing'],
  ['chunked with another between', ['Transfer-Encoding: chunked, gzip, chunked'], 'bad_framing'],
  ['an empty coding', ['Transfer-Encoding:'], 'bad_framing'],
  ['an empty member', ['Transfer-Encoding: , chunked'], 'bad_framing'],
  ['an empty member at the end', ['Transfer-Encoding: chunked,'], 'bad_framing'],
  ['an empty second field', ['Transfer-Encoding: chunked', 'Transfer-Encoding:'], 'bad_framing'],
  ['chunked with a parameter, §7', ['Transfer-Encoding: chunked;a=b'], 'bad_framing'],
  ['chunked in quotes', ['Transfer-Encoding: "chunked"'], 'bad_framing'],
  ['chunked behind a word', ['Transfer-Encoding: x chunked'], 'bad_framing'],
  ['chunked behind a byte 0xA0', ['Transfer-Encoding: \xa0chunked'], 'bad_framing'],
  ['chunked behind a vertical tab', ['Transfer-Encoding: \x0bchunked'], 'bad_field_line'],
  ['a space before the colon', ['Transfer-Encoding : chunked'], 'bad_field_line'],
  ['a space before the name', [' Transfer-Encoding: chunked'], 'bad_field_line'],
  ['a folded value', ['Transfer-Encoding:\r\n chunked'], 'bad_field_line'],
  ['a field hidden behind a bare CR', ['X: y\rTransfer-Encoding: chunked'], 'bad_field_line'],
  ['a field hidden behind a lone LF', ['X: y\nTransfer-Encoding: chunked'], 'bad_field_line'],
];

describe('requestFraming, RFC 9112 §6.3', () => {
  it.each(REQUEST_BODIES)('%s', (_name, fields, content, log) => {
    const lines = [...fields, ''].map((line) => `${line}\r\n`).join('');
    expectWire(REQUEST, `POST / HTTP/1.1\r\n${lines}${content}`, ['POST / 1.1', ...fields, ...log, 'end']);
  });

  it.each(REFUSED_REQUESTS)('refuses %s', (_name, fields, code) => {
    const head = `POST / HTTP/1.1\r\n${[...fields, ''].map((line) => `${line}\r\n`).join('')}`;
    expectRefused(REQUEST, head, code, `0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n`);
  });

  it('refuses Transfer-Encoding in HTTP/1.0, §6.1', () => {
    expectRefused(REQUEST, 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n', 'bad_framing', '0\r\n\r\n');
  });

  it('reads a length with leading zeros, and notes it without them, step 6', () => {
    const log = ['POST / 1.1', 'Content-Length: 5', '(length 5)', 'content hello', 'end'];
    expectWire(REQUEST, 'POST / HTTP/1.1\r\nContent-Length: 000005\r\n\r\nhello', log);
  });

  it('takes the highest length that a number counts exactly', () => {
    const fields = 'Content-Length: 9007199254740991';
    expectWire(REQUEST, `POST / HTTP/1.1\r\n${fields}\r\n\r\nx`, [
      'POST / 1.1',
      fields,
      '(length 9007199254740991)',
      'content x',
      'more',
    ]);
  });

  it('waits for the whole of a length, step 6', () => {
    const fields = 'Content-Length: 5';
    expectWire(REQUEST, `POST / HTTP/1.1\r\n${fields}\r\n\r\nhell`, [
      'POST / 1.1',
      fields,
      '(length 5)',
      'content hell',
      'more',
    ]);
  });
});

type ResponseBody = readonly [
  name: string,
  method: string,
  start: string,
  fields: readonly string[],
  content: string,
  log: readonly string[],
];

const LENGTH = 'Content-Length: 5';
const CODING = 'Transfer-Encoding: chunked';
const CHUNKS = '5\r\nhello\r\n0\r\n\r\n';

const RESPONSES: readonly ResponseBody[] = [
  ['step 1: HEAD', 'HEAD', '1.1 200 OK', [LENGTH], '', ['end']],
  ['step 1: HEAD with a coding', 'HEAD', '1.1 200 OK', [CODING], '', ['end']],
  ['step 1: 204', 'GET', '1.1 204 No', [], '', ['end']],
  ['step 1: 304', 'GET', '1.1 304 No', [LENGTH], '', ['end']],
  ['step 1: 304 with a coding', 'GET', '1.1 304 No', [CODING], '', ['end']],
  ['step 2: 2xx to CONNECT', 'CONNECT', '1.1 200 OK', [], '', ['end']],
  ['step 2: ignores the fields of 2xx to CONNECT', 'CONNECT', '1.1 299 OK', [LENGTH, CODING], '', ['end']],
  [
    'step 2: another status to CONNECT has a body',
    'CONNECT',
    '1.1 407 No',
    [LENGTH],
    'hello',
    ['(length 5)', 'content hello', 'end'],
  ],
  ['step 4: chunked', 'GET', '1.1 200 OK', [CODING], CHUNKS, ['(chunked)', 'content hello', 'end']],
  ['step 6: a length', 'GET', '1.1 200 OK', [LENGTH], 'hello', ['(length 5)', 'content hello', 'end']],
  ['step 6: a length of 0', 'GET', '1.1 200 OK', ['Content-Length: 0'], '', ['end']],
  ['step 6: in HTTP/1.0', 'GET', '1.0 200 OK', [LENGTH], 'hello', ['(length 5)', 'content hello', 'end']],
  ['step 6: cut short', 'GET', '1.1 200 OK', [LENGTH], 'hell', ['(length 5)', 'content hell', 'more']],
  [
    'step 8: neither, until the close',
    'GET',
    '1.1 200 OK',
    [],
    'hello',
    ['(until close)', 'content hello', 'end by close'],
  ],
  ['step 8: nothing until the close', 'GET', '1.0 200 OK', [], '', ['(until close)', 'end by close']],
  [
    'chunked, cut short before its last chunk',
    'GET',
    '1.1 200 OK',
    [CODING],
    '5\r\nhello\r\n',
    ['(chunked)', 'content hello', 'more'],
  ],
];

const REFUSED_RESPONSES: readonly (readonly [
  name: string,
  method: string,
  start: string,
  fields: readonly string[],
])[] = [
  ['step 3: both fields', 'GET', '1.1 200 OK', [LENGTH, CODING]],
  ['step 3: both fields, to HEAD too', 'HEAD', '1.1 200 OK', [LENGTH, CODING]],
  ['step 4: another final coding', 'GET', '1.1 200 OK', ['Transfer-Encoding: gzip']],
  ['gzip, then chunked', 'GET', '1.1 200 OK', ['Transfer-Encoding: gzip, chunked']],
  ['chunked twice', 'GET', '1.1 200 OK', [CODING, CODING]],
  ['a coding in HTTP/1.0, §6.1', 'GET', '1.0 200 OK', [CODING]],
  ['step 5: different lengths', 'GET', '1.1 200 OK', [LENGTH, 'Content-Length: 6']],
  ['step 5: a malformed length', 'GET', '1.1 200 OK', ['Content-Length: 5x']],
  ['a malformed length where there is no body', 'HEAD', '1.1 200 OK', ['Content-Length: 5x']],
  ['a malformed length in a 304', 'GET', '1.1 304 OK', ['Content-Length: -1']],
];

describe('responseFraming, RFC 9112 §6.3', () => {
  it.each(RESPONSES)('%s', (_name, method, start, fields, content, log) => {
    const wire = method === 'GET' ? RESPONSE : { ...RESPONSE, method };
    const lines = [...fields, ''].map((line) => `${line}\r\n`).join('');
    expectWire(wire, `HTTP/${start}\r\n${lines}${content}`, [start, ...fields, ...log]);
  });

  it.each(REFUSED_RESPONSES)('refuses %s', (_name, method, start, fields) => {
    const head = `HTTP/${start}\r\n${[...fields, ''].map((line) => `${line}\r\n`).join('')}`;
    expectRefused({ ...RESPONSE, method }, head, 'bad_response', '5\r\nhello\r\n0\r\n\r\n');
  });
});

/** Expects that the head fails, in the parser (without a log) or in its framing, with any bytes behind it. */
function expectRefused(
  wire: { kind: 'request' | 'response'; method?: string },
  head: string,
  code: ErrorCode,
  behind: string,
): void {
  const [start = '', ...fields] = head.slice(0, -4).split('\r\n');
  const startLog = wire.kind === 'request' ? start.replace('HTTP/', '') : start.slice('HTTP/'.length);
  const headLog = code === 'bad_field_line' ? [] : [startLog, ...fields.map((line) => line.replace(/:[ \t]*/, ': '))];
  expectWire(wire, head, [...headLog, `error ${code}`]);
  expectWire(wire, head + behind, [...headLog, `error ${code}`]);
}
