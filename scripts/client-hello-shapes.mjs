/**
 * ClientHellos in the shapes of browsers, put together by hand, because not every machine has a browser and their format is
 * public. Random parts are derived from a name, so that each run gives the same bytes.
 */
import { createHash } from 'node:crypto';

const uint8 = (value) => Buffer.from([value]);
const uint16 = (value) => Buffer.from([value >> 8, value & 255]);
const uint24 = (value) => Buffer.from([value >> 16, (value >> 8) & 255, value & 255]);
const vector8 = (...parts) => sized(uint8, parts);
const vector16 = (...parts) => sized(uint16, parts);

function sized(length, parts) {
  const content = Buffer.concat(parts);
  return Buffer.concat([length(content.length), content]);
}

/** Bytes that look random. */
function noise(name, length) {
  return createHash('shake256', { outputLength: length }).update(name).digest();
}

const extension = (type, ...data) => Buffer.concat([uint16(type), vector16(...data)]);
const serverName = (name) => extension(0, vector16(uint8(0), vector16(Buffer.from(name, 'latin1'))));
const alpn = (...names) => extension(16, vector16(...names.map((name) => vector8(Buffer.from(name, 'latin1')))));
const versions = (...list) => extension(43, vector8(...list.map(uint16)));
const groups = (...list) => extension(10, vector16(...list.map(uint16)));
const keyShare = (...shares) => extension(51, vector16(...shares));
const share = (group, length) => Buffer.concat([uint16(group), vector16(noise(`share ${group}`, length))]);
const signatures = extension(13, vector16(...[0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501].map(uint16)));
const pskModes = extension(45, vector8(uint8(1)));
const renegotiation = extension(0xff01, vector8());
const ticket = (length) => extension(35, noise('ticket', length));

/** encrypted_client_hello of the outer hello (RFC 9849 §5): suite, config id, enc and payload. */
const echOuter = (payload) =>
  extension(
    0xfe0d,
    uint8(0),
    uint16(1),
    uint16(1),
    uint8(77),
    vector16(noise('enc', 32)),
    vector16(noise('ech', payload)),
  );

/** X25519MLKEM768, X25519, P-256: the group, and the bytes of a client's share. */
const HYBRID = [0x11ec, 1216];
const X25519 = [0x001d, 32];
const P256 = [0x0017, 65];
const SUITES = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];

function hello(name, { record = 0x0301, legacy = 0x0303, suites = SUITES, session = 32, extensions }) {
  const body = Buffer.concat([
    uint16(legacy),
    noise(`random ${name}`, 32),
    vector8(noise(`session ${name}`, session)),
    vector16(...suites.map(uint16)),
    vector8(uint8(0)),
    ...(extensions === null ? [] : [vector16(...extensions)]),
  ]);
  const message = Buffer.concat([uint8(1), uint24(body.length), body]);
  return Buffer.concat([uint8(22), uint16(record), uint16(message.length), message]);
}

const shape = (name, parts, expected) => ({ name, hex: hello(name, parts).toString('hex'), expected });
const modern = (serverNameRead, alpnRead) => ({
  serverName: serverNameRead,
  alpn: alpnRead,
  versions: [0x0304, 0x0303],
});

/** Each with its name, its bytes on the wire, and the values that a reader has to find in them. */
export const SHAPES = [
  shape(
    'Chromium-like: GREASE, ECH outer, a post-quantum key share',
    {
      suites: [0x3a3a, ...SUITES],
      extensions: [
        extension(0xaaaa),
        extension(0x44cd, vector16(vector8(Buffer.from('h2')))),
        signatures,
        echOuter(208),
        pskModes,
        groups(0x7a7a, HYBRID[0], X25519[0], P256[0]),
        extension(27, vector8(uint16(2))),
        alpn('h2', 'http/1.1'),
        versions(0xdada, 0x0304, 0x0303),
        serverName('www.example.com'),
        keyShare(share(0x7a7a, 1), share(...HYBRID), share(...X25519)),
        extension(18),
        renegotiation,
        extension(0xfafa, uint8(0)),
      ],
    },
    modern('www.example.com', ['h2', 'http/1.1']),
  ),
  shape(
    'Firefox-like: three key shares, delegated credentials, padding',
    {
      extensions: [
        serverName('www.example.org'),
        extension(23),
        renegotiation,
        groups(HYBRID[0], X25519[0], P256[0], 0x0018, 0x0100),
        ticket(0),
        alpn('h2', 'http/1.1'),
        extension(34, vector16(uint16(0x0403))),
        keyShare(share(...HYBRID), share(...X25519), share(...P256)),
        versions(0x0304, 0x0303),
        signatures,
        pskModes,
        extension(28, uint16(0x4001)),
        echOuter(239),
        extension(21, Buffer.alloc(97)),
      ],
    },
    modern('www.example.org', ['h2', 'http/1.1']),
  ),
  shape(
    'ECH: the outer hello names the public name',
    { extensions: [serverName('public.example'), versions(0x0304), echOuter(400), keyShare(share(...X25519))] },
    { serverName: 'public.example', alpn: [], versions: [0x0304] },
  ),
  shape(
    'GREASE in every list, and an ALPN name of it',
    {
      suites: [0x0a0a, 0x1301],
      extensions: [
        extension(0x0a0a),
        alpn('\x2a\x2a', 'h2', '\xfa\xfa'),
        versions(0x1a1a, 0x0304, 0xfafa, 0x0303),
        serverName('grease.example'),
        extension(0xfafa, uint8(0)),
      ],
    },
    modern('grease.example', ['h2']),
  ),
  shape(
    'post-quantum, with a ticket of a client certificate: several segments',
    {
      extensions: [
        keyShare(share(...HYBRID), share(...P256)),
        versions(0x0304, 0x0303),
        alpn('http/1.1'),
        ticket(4200),
        serverName('Large.Example.NET.'),
      ],
    },
    modern('large.example.net', ['http/1.1']),
  ),
  shape(
    'TLS 1.2 without extensions',
    { session: 0, suites: [0xc02f, 0x009c], extensions: null },
    { serverName: null, alpn: [], versions: [0x0303] },
  ),
  shape(
    'TLS 1.0 with a name',
    { legacy: 0x0301, session: 0, suites: [0x002f, 0x000a], extensions: [serverName('old.example')] },
    { serverName: 'old.example', alpn: [], versions: [0x0301] },
  ),
  shape(
    'the record of a second hello, version 3.3',
    { record: 0x0303, extensions: [versions(0x0304), serverName('retry.example')] },
    { serverName: 'retry.example', alpn: [], versions: [0x0304] },
  ),
];
