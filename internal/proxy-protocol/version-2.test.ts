import { describe, expect, it } from 'vitest';
import { MAX_PROXY_HEADER_BYTES, ProxyHeaderReader } from './proxy-header-reader.ts';
import { headerLog, headerLogHoweverCut } from './testing/header-log.ts';
import { proxyHeaderV2 } from './version-2.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4 = 'c0000201c6336402dc0401bb';
const V6 = '20010db800000000000000000000000120010db80000000000000000000000020fa00050';
const UNIX = Buffer.from('/run/client.sock'.padEnd(108, '\0') + '/run/prox.sock'.padEnd(108, '\0')).toString('hex');
const V4_LOG = 'v2 192.0.2.1 56324 > 198.51.100.2 443';
const V6_LOG = 'v2 2001:db8::1 4000 > 2001:db8::2 80';

/** A header as it should be: command and family in hexadecimal, and a length that fits what follows. */
function header(command: string, family: string, rest: string): Buffer {
  const length = (rest.length / 2).toString(16).padStart(4, '0');
  return Buffer.from(SIGNATURE + command + family + length + rest, 'hex');
}

const READ: readonly [name: string, header: Buffer, log: string][] = [
  ['TCP over IPv4', header('21', '11', V4), V4_LOG],
  ['UDP over IPv4', header('21', '12', V4), V4_LOG],
  ['TCP over IPv6', header('21', '21', V6), V6_LOG],
  ['UDP over IPv6', header('21', '22', V6), V6_LOG],
  ['a unix stream', header('21', '31', UNIX), 'v2 none'],
  ['unix datagrams', header('21', '32', UNIX), 'v2 none'],
  ['no family', header('21', '00', ''), 'v2 none'],
  ['no family, and bytes to pass over', header('21', '00', 'ffffffffff'), 'v2 none'],
  ['a transport without a family', header('21', '01', 'ff'), 'v2 none'],
  ['a family without a transport', header('21', '10', V4), 'v2 none'],
  ['LOCAL', header('20', '00', ''), 'v2 none'],
  ['LOCAL with addresses, which do not count', header('20', '11', V4), 'v2 none'],
  ['LOCAL with a family that does not exist', header('20', 'ff', 'ffff'), 'v2 none'],
  ['a TLV', header('21', '11', `${V4}0200036e616d`), V4_LOG],
  ['several TLVs, one of them empty', header('21', '21', `${V6}0200036e616d04000005000101`), V6_LOG],
  ['a TLV behind unix addresses', header('21', '31', `${UNIX}040000`), 'v2 none'],
];

/** Each is refused by its last byte at the latest. */
const REFUSED: readonly [name: string, hex: string][] = [
  ['a signature with another byte', '0d0a0d0a00ff'],
  ['empty lines before a request', '0d0a47'],
  ['version 1', `${SIGNATURE}11`],
  ['version 3', `${SIGNATURE}31`],
  ['a command that does not exist', `${SIGNATURE}22`],
  ['another', `${SIGNATURE}2f`],
  ['a family that does not exist', `${SIGNATURE}2141`],
  ['the greatest family', `${SIGNATURE}21f1`],
  ['a transport that does not exist', `${SIGNATURE}2113`],
  ['the greatest transport', `${SIGNATURE}211f`],
  ['no room for IPv4 addresses', `${SIGNATURE}2111000b`],
  ['no room for IPv6 addresses', `${SIGNATURE}21210023`],
  ['no room for unix addresses', `${SIGNATURE}213100d7`],
  ['no addresses', `${SIGNATURE}21110000`],
  ['more than may be', `${SIGNATURE}21110ff1`],
  ['the greatest length', `${SIGNATURE}2111ffff`],
  ['LOCAL with more than may be', `${SIGNATURE}2000ffff`],
  ['half a TLV', header('21', '11', `${V4}0200`).toString('hex')],
  ['a TLV that leads beyond the end', header('21', '11', `${V4}0200026e`).toString('hex')],
  ['half a TLV behind another', header('21', '11', `${V4}0200016e03`).toString('hex')],
];

describe('ProxyHeaderReader, version 2', () => {
  it.each(READ)('reads %s', (_name, bytes, log) => {
    expect(headerLogHoweverCut(bytes)).toBe(`${log}, 0 left`);
  });

  it.each(READ)('leaves what stands behind %s', (_name, bytes, log) => {
    expect(headerLog(Buffer.concat([bytes, bytes]))).toBe(`${log}, ${bytes.length} left`);
  });

  it.each(READ)('waits for more behind every part of %s', (_name, bytes) => {
    for (let end = 0; end < bytes.length; end++) expect(headerLog(bytes.subarray(0, end))).toBe('more');
  });

  it.each(REFUSED)('refuses %s', (_name, hex) => {
    expect(headerLogHoweverCut(Buffer.from(hex, 'hex'))).toBe('error bad_proxy_header');
  });

  it('takes the longest header that may be', () => {
    const rest = MAX_PROXY_HEADER_BYTES - 16 - V4.length / 2 - 3;
    const bytes = header('21', '11', `${V4}ea${rest.toString(16).padStart(4, '0')}${'00'.repeat(rest)}`);
    expect(bytes).toHaveLength(MAX_PROXY_HEADER_BYTES);
    expect(headerLog(bytes)).toBe(`${V4_LOG}, 0 left`);
    expect(headerLog(bytes, Array.from(bytes.keys()).slice(1))).toBe(`${V4_LOG}, 0 left`);
  });
});

describe('ProxyHeaderReader', () => {
  it('has no header before it is complete, and takes nothing behind it', () => {
    const reader = new ProxyHeaderReader();
    expect(() => reader.header).toThrow('not complete');
    const bytes = header('20', '00', '');
    expect(reader.feed(bytes, 0, bytes.length)).toBe(16);
    expect(reader.header).toEqual({ version: 2, source: null, destination: null });
    expect(() => reader.feed(bytes, 0, bytes.length)).toThrow('has been read');
  });
});

describe('proxyHeaderV2', () => {
  const v4 = { address: '192.0.2.1', port: 56_324 };
  const v6 = { address: '2001:db8::1', port: 4000 };
  const mapped = '00000000000000000000ffffc0000201';

  it.each([
    ['IPv4', v4, { address: '198.51.100.2', port: 443 }, header('21', '11', V4)],
    ['IPv6', v6, { address: '2001:db8::2', port: 80 }, header('21', '21', V6)],
    ['IPv4 beside IPv6', v4, v6, header('21', '21', `${mapped}20010db8000000000000000000000001dc040fa0`)],
    ['IPv6 beside IPv4', v6, v4, header('21', '21', `20010db8000000000000000000000001${mapped}0fa0dc04`)],
    ['a source that is not known', null, v4, header('20', '00', '')],
    ['a destination that is not known', v4, null, header('20', '00', '')],
    ['a unix socket', { address: 'unix', port: 0 }, v4, header('20', '00', '')],
  ])('writes %s', (_name, source, destination, bytes) => {
    expect(proxyHeaderV2(source, destination).toString('hex')).toBe(bytes.toString('hex'));
  });
});
