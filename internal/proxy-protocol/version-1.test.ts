import { describe, expect, it } from 'vitest';
import { headerLogHoweverCut } from './testing/header-log.ts';
import { proxyHeaderV1 } from './version-1.ts';

/** The longest that the grammar allows (proxy-protocol.txt §2.1). */
const LONGEST = `PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`;

const READ: readonly [name: string, line: string, log: string][] = [
  ['TCP4', 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n', 'v1 192.0.2.1 56324 > 198.51.100.2 443'],
  [
    'the least and the greatest of IPv4',
    'PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n',
    'v1 0.0.0.0 0 > 255.255.255.255 65535',
  ],
  ['TCP6', 'PROXY TCP6 2001:db8::1 2001:db8::2 4000 80\r\n', 'v1 2001:db8::1 4000 > 2001:db8::2 80'],
  [
    'addresses in full and in capitals',
    'PROXY TCP6 2001:0DB8:0000:0000:0000:0000:0000:00AB ::1 1 2\r\n',
    'v1 2001:db8::ab 1 > ::1 2',
  ],
  [
    'an IPv4-mapped address',
    'PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:0202 1 2\r\n',
    'v1 ::ffff:192.0.2.1 1 > ::ffff:192.0.2.2 2',
  ],
  [
    'an IPv4 address at the end of another IPv6 one',
    'PROXY TCP6 64:ff9b::192.0.2.1 :: 1 2\r\n',
    'v1 64:ff9b::c000:201 1 > :: 2',
  ],
  ['a run of zeros at the end', 'PROXY TCP6 fe80:: 1:0:0:2:0:0:0:3 1 2\r\n', 'v1 fe80:: 1 > 1:0:0:2::3 2'],
  [
    'one group of zeros, which stays',
    'PROXY TCP6 1:2:3::5:6:7:8 1:2:3:4:5:6:7:8 1 2\r\n',
    'v1 1:2:3:0:5:6:7:8 1 > 1:2:3:4:5:6:7:8 2',
  ],
  ['UNKNOWN', 'PROXY UNKNOWN\r\n', 'v1 none'],
  ['UNKNOWN and a space', 'PROXY UNKNOWN \r\n', 'v1 none'],
  ['UNKNOWN with what means nothing', 'PROXY UNKNOWN \t\0\xff TCP4 a\r\n', 'v1 none'],
  ['the longest line', LONGEST, 'v1 none'],
];

const INCOMPLETE: readonly [name: string, line: string][] = [
  ['nothing', ''],
  ['a letter', 'P'],
  ['a prefix', 'PROXY '],
  ['a family', 'PROXY TCP4'],
  ['a line without its CRLF', 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443'],
  ['a line without its LF', 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r'],
  ['a line that is as long as may be, without its LF', LONGEST.slice(0, -1)],
];

/** Each is refused by its last byte at the latest. */
const REFUSED: readonly [name: string, line: string][] = [
  ['a request', 'G'],
  ['a TLS record', '\x16'],
  ['a space before', ' '],
  ['lower case', 'p'],
  ['a request whose method begins so', 'PO'],
  ['an HTTP/2 preface', 'PRI'],
  ['a tab for the space', 'PROXY\t'],
  ['no space behind PROXY', 'PROXYT'],
  ['nothing but PROXY', 'PROXY \r\n'],
  ['a family in lower case', 'PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n'],
  ['a family that does not exist', 'PROXY TCP5 192.0.2.1 198.51.100.2 1 2\r\n'],
  ['UDP', 'PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n'],
  ['a word that begins as UNKNOWN', 'PROXY UNKNOWNS\r\n'],
  ['two spaces before the family', 'PROXY  TCP4 192.0.2.1 198.51.100.2 1 2\r\n'],
  ['two spaces between addresses', 'PROXY TCP4 192.0.2.1  198.51.100.2 1 2\r\n'],
  ['a space at the end', 'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n'],
  ['a word too many', 'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3\r\n'],
  ['a port too few', 'PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n'],
  ['an address too few', 'PROXY TCP4 192.0.2.1 1 2\r\n'],
  ['a family alone', 'PROXY TCP4\r\n'],
  ['an IPv6 address for TCP4', 'PROXY TCP4 ::1 198.51.100.2 1 2\r\n'],
  ['an IPv4 address for TCP6', 'PROXY TCP6 192.0.2.1 ::1 1 2\r\n'],
  ['a name', 'PROXY TCP4 localhost 198.51.100.2 1 2\r\n'],
  ['three octets', 'PROXY TCP4 192.0.2 198.51.100.2 1 2\r\n'],
  ['five octets', 'PROXY TCP4 192.0.2.1.1 198.51.100.2 1 2\r\n'],
  ['an octet above 255', 'PROXY TCP4 192.0.2.256 198.51.100.2 1 2\r\n'],
  ['an octet with a leading zero', 'PROXY TCP4 192.0.2.01 198.51.100.2 1 2\r\n'],
  ['an empty octet', 'PROXY TCP4 192.0..1 198.51.100.2 1 2\r\n'],
  ['a hexadecimal octet', 'PROXY TCP4 0x7f.0.0.1 198.51.100.2 1 2\r\n'],
  ['a number for an address', 'PROXY TCP4 3221225985 198.51.100.2 1 2\r\n'],
  ['a bad destination', 'PROXY TCP4 192.0.2.1 198.51.100 1 2\r\n'],
  ['seven groups', 'PROXY TCP6 1:2:3:4:5:6:7 ::1 1 2\r\n'],
  ['nine groups', 'PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n'],
  ['eight groups and ::', 'PROXY TCP6 1:2:3:4::5:6:7:8 ::1 1 2\r\n'],
  ['two ::', 'PROXY TCP6 1::2::3 ::1 1 2\r\n'],
  ['three colons', 'PROXY TCP6 1:::2 ::1 1 2\r\n'],
  ['a colon at the start', 'PROXY TCP6 :1:2:3:4:5:6:7 ::1 1 2\r\n'],
  ['a colon at the end', 'PROXY TCP6 1:2:3:4:5:6:7: ::1 1 2\r\n'],
  ['a group of five digits', 'PROXY TCP6 ::00001 ::1 1 2\r\n'],
  ['a letter beyond f', 'PROXY TCP6 ::g ::1 1 2\r\n'],
  ['an IPv4 address in the middle', 'PROXY TCP6 ::192.0.2.1:1 ::1 1 2\r\n'],
  ['an IPv4 address before ::', 'PROXY TCP6 192.0.2.1:: ::1 1 2\r\n'],
  ['a zone', 'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n'],
  ['brackets', 'PROXY TCP6 [::1] ::1 1 2\r\n'],
  ['a port above 65535', 'PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n'],
  ['a port with a leading zero', 'PROXY TCP4 192.0.2.1 198.51.100.2 080 2\r\n'],
  ['a port with a sign', 'PROXY TCP4 192.0.2.1 198.51.100.2 +1 2\r\n'],
  ['a negative port', 'PROXY TCP4 192.0.2.1 198.51.100.2 1 -2\r\n'],
  ['a hexadecimal port', 'PROXY TCP4 192.0.2.1 198.51.100.2 0x1 2\r\n'],
  ['an empty port', 'PROXY TCP4 192.0.2.1 198.51.100.2  2\r\n'],
  ['a lone LF', 'PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n'],
  ['a lone LF behind UNKNOWN', 'PROXY UNKNOWN\n'],
  ['a CR without its LF', 'PROXY UNKNOWN\rX'],
  ['CR CR LF', 'PROXY UNKNOWN\r\r'],
  ['a line that is too long', LONGEST.replace('\r\n', 'x\r')],
  ['a line that does not end', `PROXY UNKNOWN ${'x'.repeat(93)}`],
];

describe('ProxyHeaderReader, version 1', () => {
  it.each(READ)('reads %s', (_name, line, log) => {
    expect(headerLogHoweverCut(Buffer.from(line, 'latin1'))).toBe(`${log}, 0 left`);
  });

  it.each(READ)('leaves what stands behind %s', (_name, line, log) => {
    expect(headerLogHoweverCut(Buffer.from(`${line}\r\nrest`, 'latin1'))).toMatch(log);
    expect(headerLogHoweverCut(Buffer.from(`${line}PROXY`, 'latin1'))).toMatch(log);
  });

  it.each(INCOMPLETE)('waits for more behind %s', (_name, line) => {
    expect(headerLogHoweverCut(Buffer.from(line, 'latin1'))).toBe('more');
  });

  it.each(REFUSED)('refuses %s', (_name, line) => {
    expect(headerLogHoweverCut(Buffer.from(line, 'latin1'))).toBe('error bad_proxy_header');
  });

  it('has a longest line to try that is as long as the specification allows', () => {
    expect(LONGEST).toHaveLength(107);
  });
});

const V4 = { address: '192.0.2.1', port: 1 };
const V6 = { address: '2001:db8::1', port: 2 };

describe('proxyHeaderV1', () => {
  it.each([
    ['IPv4', V4, { address: '198.51.100.2', port: 443 }, 'PROXY TCP4 192.0.2.1 198.51.100.2 1 443\r\n'],
    ['IPv6', V6, { address: '::1', port: 443 }, 'PROXY TCP6 2001:db8::1 ::1 2 443\r\n'],
    ['both families', V4, V6, 'PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n'],
    ['mapped addresses', { address: '::ffff:192.0.2.1', port: 1 }, V4, 'PROXY TCP4 192.0.2.1 192.0.2.1 1 1\r\n'],
    ['a zone', { address: 'fe80::1%eth0', port: 1 }, V6, 'PROXY TCP6 fe80::1 2001:db8::1 1 2\r\n'],
    ['a source that is not known', null, V4, 'PROXY UNKNOWN\r\n'],
    ['a destination that is not known', V4, null, 'PROXY UNKNOWN\r\n'],
    ['a unix socket', { address: 'unix', port: 0 }, V4, 'PROXY UNKNOWN\r\n'],
  ])('writes %s', (_name, source, destination, line) => {
    expect(proxyHeaderV1(source, destination).toString('latin1')).toBe(line);
  });
});
