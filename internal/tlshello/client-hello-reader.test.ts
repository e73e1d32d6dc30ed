import { describe, expect, it } from 'vitest';
import { ClientHelloReader } from './client-hello-reader.ts';
import { MAX_CLIENT_HELLO_BYTES } from './limits.ts';
import { extension, hex, message, messageOf, records, serverName, vector16, vector8 } from './testing/hello-bytes.ts';
import { everyByte, helloLog, helloLogHoweverCut } from './testing/hello-log.ts';

const PLAIN = { serverName: null, alpn: [], versions: [0x0303] };
const bytes = (text: string) => Buffer.from(text, 'hex');
const withExtensions = (...list: string[]) => records(message({ extensions: vector16(list.join('')) }));
const named = (name: string) => withExtensions(serverName(name));

/** A hello whose records take so many bytes: as many as fit in one, the rest in a second. */
function helloOf(wireBytes: number): Buffer {
  const rest = wireBytes - records(withExtensionOf(0)).length;
  return records(withExtensionOf(rest));
}

function withExtensionOf(length: number): Buffer {
  return message({ extensions: vector16(extension(21, '00'.repeat(length))) });
}

describe('ClientHelloReader', () => {
  it.each([
    ['the least hello', records(message({ extensions: '' })), PLAIN],
    ['no extension in the block', records(message()), PLAIN],
    ['extensions that are not known', withExtensions(extension(1, ''), extension(65_535, 'ffff')), PLAIN],
    ['an old record version', Buffer.concat([bytes('160300'), records(message()).subarray(3)]), PLAIN],
    ['a record version to come', Buffer.concat([bytes('1603ff'), records(message()).subarray(3)]), PLAIN],
    ['SSL 3', records(message({ version: '0300' })), { ...PLAIN, versions: [0x0300] }],
    ['the longest session id', records(message({ session: vector8('00'.repeat(32)) })), PLAIN],
    [
      'ALPN',
      withExtensions(extension(16, vector16(vector8(hex('h2')) + vector8('ff')))),
      { ...PLAIN, alpn: ['h2', '\xff'] },
    ],
    [
      'supported versions',
      withExtensions(extension(43, vector8('03040a0a7f1c'))),
      { ...PLAIN, versions: [0x0304, 0x7f1c] },
    ],
    ['nothing but GREASE', withExtensions(extension(43, vector8('fafa'))), { ...PLAIN, versions: [] }],
    [
      'what only looks like GREASE',
      withExtensions(extension(43, vector8('0a1a1a0a0b0b'))),
      { ...PLAIN, versions: [0x0a1a, 0x1a0a, 0x0b0b] },
    ],
    [
      'ALPN names near to GREASE',
      withExtensions(extension(16, vector16('021a0a030a0a0a010a'))),
      { ...PLAIN, alpn: ['\x1a\n', '\n\n\n', '\n'] },
    ],
  ])('reads %s', (_name, wire, expected) => {
    expect(helloLogHoweverCut(wire)).toEqual(expected);
  });

  it.each([
    ['a name', 'www.example.com', 'www.example.com'],
    ['capitals', 'WWW.Example.COM', 'www.example.com'],
    ['a trailing dot', 'www.example.com.', 'www.example.com'],
    ['one label', 'localhost', 'localhost'],
    ['an underscore and hyphens', '_a-.-b_.c--d', '_a-.-b_.c--d'],
    ['digits in labels', '1.2.3.4a', '1.2.3.4a'],
    ['A-labels', 'xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['the longest name', `${'a'.repeat(249)}.com`, `${'a'.repeat(249)}.com`],
    ['the longest name and a dot', `${'a'.repeat(249)}.com.`, `${'a'.repeat(249)}.com`],
  ])('takes %s as a server name', (_name, sent, read) => {
    expect(helloLog(named(sent))).toEqual({ ...PLAIN, serverName: read });
  });

  it.each(['192.0.2.1', '192.0.2.1.', '3221225985'])('takes the address %s for no server name', (sent) => {
    expect(helloLog(named(sent))).toEqual(PLAIN);
  });

  it.each([
    ['an empty name', ''],
    ['a dot', '.'],
    ['a name of 254 bytes', `${'a'.repeat(250)}.com`],
    ['an empty label', 'a..b'],
    ['a dot at the start', '.a'],
    ['two dots at the end', 'a..'],
    ['an IPv6 address', '::1'],
    ['an IPv6 address in brackets', '[::1]'],
    ['a port', 'a.example:443'],
    ['a wildcard', '*.example'],
    ['a NUL', 'a.example\0.b'],
    ['a space', 'a b'],
    ['a line break behind the name', 'a\n'],
    ['a slash', '../etc'],
    ['a letter beyond ASCII', 'b\xfccher.example'],
  ])('refuses %s as a server name', (_name, sent) => {
    expect(helloLog(named(sent))).toBe('error bad_client_hello');
  });

  /** Each is refused by its last byte at the latest. */
  it.each<[name: string, wire: Buffer]>([
    // The records, RFC 8446 §5.1.
    ['plain HTTP', bytes('47')],
    ['SSL 2', bytes('80')],
    ['an alert', bytes('15')],
    ['application data', bytes('17')],
    ['a change of the cipher', bytes('14')],
    ['a major version of 2', bytes('1602')],
    ['a major version of 4', bytes('1604')],
    ['DTLS', bytes('16fe')],
    ['an empty record', bytes('1603010000')],
    ['a record of more than 2^14 bytes', bytes('1603014001')],
    ['an empty record in the middle', bytes('160301000201001603010000')],
    ['another type in the middle', bytes('1603010002010015')],
    ['another major version in the middle', bytes('160301000201001602')],
    ['another handshake message', bytes('160301002802')],
    ['a HelloRequest', bytes('160301000400000000')],
    ['an empty ClientHello', bytes('160301000401000000')],
    ['bytes behind the hello in its record', bytes('160301002f0100002a')],
    ['a second message behind the hello', records(Buffer.concat([message(), message()]))],
    [
      'a byte behind the hello in a later record',
      Buffer.concat([
        records(message().subarray(0, 20)),
        records(Buffer.concat([message().subarray(20), Buffer.alloc(1)])),
      ]),
    ],
    // The message, §4.1.2.
    ['an unknown version', records(message({ version: '0203' }))],
    ['no room for the random', records(messageOf('03035a'.repeat(31)))],
    ['a session id of 33 bytes', records(message({ session: vector8('00'.repeat(33)) }))],
    ['a session id that leads beyond the end', records(messageOf(`0303${'5a'.repeat(32)}20`))],
    ['no cipher suite', records(message({ suites: vector16() }))],
    ['half a cipher suite', records(message({ suites: vector16('130113') }))],
    ['cipher suites that lead beyond the end', records(message({ suites: 'ffff' }))],
    ['no compression method', records(message({ compression: vector8() }))],
    ['half the length of the extensions', records(message({ extensions: '00' }))],
    ['extensions that lead beyond the end', records(message({ extensions: '0001' }))],
    ['bytes behind the extensions', records(message({ extensions: '000000' }))],
    // The extensions, §4.2.
    ['half a type', withExtensions('00')],
    ['half a length', withExtensions('ffff00')],
    ['an extension that leads beyond the end', withExtensions('ffff0001')],
    ['an extension that occurs twice', withExtensions(extension(1, ''), extension(2, ''), extension(1, ''))],
    ['two server names', withExtensions(serverName('a'), serverName('a'))],
    ['GREASE that occurs twice', withExtensions(extension(0x0a0a, ''), extension(0x0a0a, ''))],
    // server_name, RFC 6066 §3.
    ['an empty server_name', withExtensions(extension(0, ''))],
    ['an empty list of names', withExtensions(extension(0, vector16()))],
    ['a list of names that leads beyond the end', withExtensions(extension(0, '0005000001'))],
    ['bytes behind the list of names', withExtensions(extension(0, `${vector16('00000161')}00`))],
    ['a name of another type', withExtensions(extension(0, vector16('01000161')))],
    ['two names in the list', withExtensions(extension(0, vector16('0000016100000162')))],
    ['a name of another type behind the host_name', withExtensions(extension(0, vector16('0000016101000162')))],
    ['a name that leads beyond its list', withExtensions(extension(0, vector16('00000261')))],
    // ALPN, RFC 7301 §3.1.
    ['an empty ALPN', withExtensions(extension(16, ''))],
    ['an empty list of protocols', withExtensions(extension(16, vector16()))],
    ['an empty protocol name', withExtensions(extension(16, vector16('02683200')))],
    ['a protocol name that leads beyond the end', withExtensions(extension(16, vector16('036832')))],
    ['bytes behind the list of protocols', withExtensions(extension(16, `${vector16('026832')}00`))],
    // supported_versions, RFC 8446 §4.2.1.
    ['an empty list of versions', withExtensions(extension(43, vector8()))],
    ['half a version', withExtensions(extension(43, vector8('030403')))],
    ['bytes behind the list of versions', withExtensions(extension(43, `${vector8('0304')}03`))],
  ])('refuses %s', (_name, wire) => {
    expect(helloLogHoweverCut(wire)).toBe('error bad_client_hello');
  });

  it.each([
    ['a length of 16 MiB', bytes('160303000401ffffff')],
    ['a length with its record that is a byte too much', bytes('160301000401003ff8')],
    ['a record that is full, and one that would have to follow', bytes('160301400001004000')],
  ])('refuses %s as soon as it is announced', (_name, wire) => {
    expect(helloLogHoweverCut(wire)).toBe('error client_hello_too_large');
  });

  it('takes hellos up to the limit, with the headers of their records', () => {
    const largest = helloOf(MAX_CLIENT_HELLO_BYTES);
    expect(largest).toHaveLength(MAX_CLIENT_HELLO_BYTES);
    expect(helloLog(largest)).toEqual(PLAIN);
    expect(helloLog(largest, everyByte(largest))).toEqual(PLAIN);

    const larger = helloOf(MAX_CLIENT_HELLO_BYTES + 1);
    expect(helloLog(larger)).toBe('error client_hello_too_large');
    expect(helloLog(larger, everyByte(larger))).toBe('error client_hello_too_large');
  });

  it('counts the headers of records', () => {
    const content = withExtensionOf(2650);
    const fits = records(content, 1);
    expect(fits.length).toBeGreaterThan(MAX_CLIENT_HELLO_BYTES - 400);
    expect(helloLog(fits)).toEqual(PLAIN);
    expect(helloLog(records(withExtensionOf(2700), 1))).toBe('error client_hello_too_large');
  });

  it('takes nothing behind the hello', () => {
    const wire = named('a.example');
    const reader = new ClientHelloReader();
    expect(reader.feed(wire, 0, wire.length)).not.toBeNull();
    expect(() => reader.feed(wire, 0, 1)).toThrow('has been read');
  });
});
