import { describe, it } from 'vitest';
import { expectWire } from './testing/expect-wire.ts';

// 204 ends with its head (RFC 9112 §6.3), so that the log is about the head alone.
const RESPONSE = { kind: 'response' } as const;

const ACCEPTED: readonly [name: string, wire: string, log: readonly string[]][] = [
  ['the least response', 'HTTP/1.1 204 \r\n\r\n', ['1.1 204 ', 'end']],
  ['a reason phrase', 'HTTP/1.1 204 No Content\r\na: b\r\n\r\n', ['1.1 204 No Content', 'a: b', 'end']],
  ['no space behind the status', 'HTTP/1.1 204\r\na: b\r\n\r\n', ['1.1 204 ', 'a: b', 'end']],
  ['a higher minor version, RFC 9110 §2.5', 'HTTP/1.7 204 OK\r\n\r\n', ['1.1 204 OK', 'end']],
  ['HTTP/1.0', 'HTTP/1.0 204 OK\r\n\r\n', ['1.0 204 OK', 'end']],
  ['a reason of tabs, spaces and obs-text', 'HTTP/1.1 204 \t \xe4\r\n\r\n', ['1.1 204 \t \xe4', 'end']],
  [
    'the highest status, RFC 9110 §15',
    'HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n',
    ['1.1 599 ', 'Content-Length: 0', 'end'],
  ],
  [
    'leading zeros of Content-Length',
    'HTTP/1.1 200 \r\nContent-Length: 00\r\n\r\n',
    ['1.1 200 ', 'Content-Length: 0', 'end'],
  ],
];

const INCOMPLETE: readonly [name: string, wire: string][] = [
  ['a version', 'HTTP/1.1'],
  ['a status', 'HTTP/1.1 200'],
  ['a status and its space', 'HTTP/1.1 200 '],
  ['half a reason', 'HTTP/1.1 200 O'],
  ['a status line without its LF', 'HTTP/1.1 200 OK\r'],
  ['a status line', 'HTTP/1.1 200 OK\r\n'],
  ['a field line', 'HTTP/1.1 200 OK\r\na: b\r\n'],
];

/** Each is refused by its last byte at the latest. */
const REFUSED: readonly [name: string, wire: string][] = [
  ['a request', 'G'],
  ['a TLS alert', '\x15'],
  ['an empty line first', '\r'],
  ['another protocol', 'ICY'],
  ['a version in lower case', 'h'],
  ['HTTP/2', 'HTTP/2'],
  ['a minor version that is no digit', 'HTTP/1.x'],
  ['a tab for the first space, §4', 'HTTP/1.1\t'],
  ['two spaces before the status', 'HTTP/1.1  '],
  ['no space behind the status, and a lone CR', 'HTTP/1.1 200\rK'],
  ['a lone LF behind the status', 'HTTP/1.1 200\n'],
  ['a tab behind the status', 'HTTP/1.1 200\t'],
  ['a status of two digits', 'HTTP/1.1 20 '],
  ['a status of four digits', 'HTTP/1.1 2000'],
  ['a status that is no number', 'HTTP/1.1 2x'],
  ['a negative status', 'HTTP/1.1 -'],
  ['a status below 100, RFC 9110 §15', 'HTTP/1.1 0'],
  ['a status above 599, RFC 9110 §15', 'HTTP/1.1 6'],
  ['NUL in the reason', 'HTTP/1.1 200 O\0'],
  ['DEL in the reason', 'HTTP/1.1 200 O\x7f'],
  ['a lone LF behind the reason, §2.2', 'HTTP/1.1 200 OK\n'],
  ['a bare CR in the reason', 'HTTP/1.1 200 O\rK'],
  ['an obs-fold', 'HTTP/1.1 200 OK\r\na: b\r\n '],
  ['a space before the colon', 'HTTP/1.1 200 OK\r\na '],
  ['a bare CR in a value', 'HTTP/1.1 200 OK\r\na: b\rc'],
  ['a lone LF behind a value', 'HTTP/1.1 200 OK\r\na: b\n'],
  ['NUL in a value', 'HTTP/1.1 200 OK\r\na: \0'],
];

describe('ResponseHeadReader', () => {
  it.each(ACCEPTED)('reads %s', (_name, wire, log) => expectWire(RESPONSE, wire, log));
  it.each(INCOMPLETE)('waits for more behind %s', (_name, wire) => expectWire(RESPONSE, wire, ['more']));
  it.each(REFUSED)('refuses %s', (_name, wire) => expectWire(RESPONSE, wire, ['error bad_response']));

  it('holds the limits on heads, with a code of their own', () => {
    const wire = { kind: 'response', limits: { maxHeaderBytes: 100, maxHeaders: 2, maxTargetBytes: 0 } } as const;
    const headOf = (reason: number) => `HTTP/1.1 204 ${'r'.repeat(reason)}\r\n\r\n`;
    expectWire(wire, headOf(83), [`1.1 204 ${'r'.repeat(83)}`, 'end']);
    expectWire(wire, headOf(84), ['error response_head_too_large']);
    expectWire(wire, headOf(500), ['error response_head_too_large']);
    expectWire(wire, `HTTP/1.1 204 \r\na: ${'v'.repeat(84)}`, ['error response_head_too_large']);
    expectWire(wire, 'HTTP/1.1 204 \r\na: 1\r\nb: 2\r\n\r\n', ['1.1 204 ', 'a: 1', 'b: 2', 'end']);
    expectWire(wire, 'HTTP/1.1 204 \r\na: 1\r\nb: 2\r\nc: 3\r\n', ['error response_head_too_large']);
  });
});
