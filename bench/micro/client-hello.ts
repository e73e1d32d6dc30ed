/** What reading a ClientHello costs, before a byte of the handshake is done or relayed; and a PROXY header. */
import { readFileSync } from 'node:fs';

import { ProxyHeaderReader, proxyHeaderV1, proxyHeaderV2 } from '../../internal/proxy-protocol/index.ts';
import { ClientHelloReader } from '../../internal/tlshello/index.ts';
import { bench, keep } from './harness.ts';

const RECORDED = JSON.parse(
  readFileSync(new URL('../../internal/tlshello/testdata/client-hellos.json', import.meta.url), 'utf8'),
) as { name: string; hex: string }[];

/** Bytes of content in a segment of TCP over Ethernet. */
const SEGMENT = 1460;

function recorded(name: string): Buffer {
  const found = RECORDED.find((hello) => hello.name.startsWith(name));
  if (found === undefined) throw new Error(`no hello of ${name} is recorded`);
  return Buffer.from(found.hex, 'hex');
}

async function benchHello(name: string, hello: Buffer, size: number): Promise<void> {
  await bench(`${name}, ${hello.length} bytes, ${size} at once`, (ops) => {
    for (let i = 0; i < ops; i++) {
      const reader = new ClientHelloReader();
      for (let at = 0; at < hello.length; at += size) keep(reader.feed(hello, at, Math.min(hello.length, at + size)));
    }
  });
}

async function benchHeader(name: string, header: Buffer): Promise<void> {
  await bench(`${name}, ${header.length} bytes`, (ops) => {
    for (let i = 0; i < ops; i++) keep(new ProxyHeaderReader().feed(header, 0, header.length));
  });
}

await benchHello('curl', recorded('curl'), SEGMENT);
await benchHello('browser', recorded('Chromium'), 4096);
await benchHello('browser', recorded('Chromium'), SEGMENT);
await benchHello('browser', recorded('Chromium'), 1);

const CLIENT = { address: '2001:db8::1', port: 50_000 };
const SERVER = { address: '2001:db8:1::2', port: 443 };
await benchHeader('PROXY header, version 1', proxyHeaderV1(CLIENT, SERVER));
await benchHeader('PROXY header, version 2', proxyHeaderV2(CLIENT, SERVER));
