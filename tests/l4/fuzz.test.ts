import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientHello } from '../testing/client-hello.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { openSockets, socketsBackTo, stopHealthy } from '../testing/health.ts';
import { exchangeRaw, RawClient } from '../testing/raw-client.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';
import { pairFor } from '../testing/certificates.ts';

const CASES = 100;
/** Attacks at the same time: most of them wait to be given up. */
const AT_ONCE = 25;
const SERVICES = ['plain', 'secure', 'peeking', 'behind'] as const;

let daemon: TestDaemon;
let upstream: RawUpstream;
let hello: Buffer;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  upstream.onConnection((peer) => void peer.end());
  hello = await clientHello('pass.test');
  const { cert, key } = pairFor('own.test');
  const own = { action: { type: 'static', status: 200 } };
  const pass = { match: { domain: 'pass.test' }, action: { type: 'pass', upstream: upstream.authority } };
  const tls = { tls: true, tls_cert: 'own.crt', tls_key: 'own.key' };
  const config = { header_timeout: '1s', tls_handshake_timeout: '1s', idle_timeout: '1s' };
  const trusting = { ...config, proxy_protocol: true, trusted_proxies: ['127.0.0.1'] };
  daemon = await TestDaemon.start(
    {
      services: {
        plain: { listen: '127.0.0.1:0', routes: [own], config },
        secure: { listen: '127.0.0.1:0', ...tls, routes: [own], config },
        peeking: { listen: '127.0.0.1:0', ...tls, routes: [pass, own], config },
        behind: { listen: '127.0.0.1:0', ...tls, routes: [pass, own], config: trusting },
      },
    },
    { files: { 'own.crt': cert, 'own.key': key } },
  );
});
afterAll(async () => {
  await upstream.stop();
  await stopHealthy(daemon);
});

/** Numbers in [0, 1) from a seed: a case that fails comes again (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The first bytes of a hostile connection: noise, or something real with a few bytes changed, cut or repeated. */
function firstBytes(random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit);
  const begins = [
    Buffer.alloc(0),
    hello,
    Buffer.concat([Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'), hello]),
    Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x01\0\x02', 'latin1'),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1'),
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    Buffer.from([0x16, 3, 1]),
  ];
  const noise = Buffer.from(Array.from({ length: below(400) }, () => below(256)));
  const bytes = Buffer.concat([begins[below(begins.length)], noise]);
  for (let changes = below(4); changes > 0 && bytes.length > 0; changes--) bytes[below(bytes.length)] = below(256);
  return bytes.subarray(0, random() < 0.3 ? below(bytes.length + 1) : bytes.length);
}

/** Sends the bytes in some pieces, and leaves in some way. Resolves when the connection is gone. */
async function attack(port: number, bytes: Buffer, random: () => number): Promise<void> {
  const client = await RawClient.connect(port);
  client.socket.setNoDelay(true);
  const cut = Math.floor(random() * bytes.length);
  client.socket.write(bytes.subarray(0, cut));
  if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
  client.socket.write(bytes.subarray(cut));
  const leave = random();
  if (leave < 0.2) client.socket.resetAndDestroy();
  else if (leave < 0.4) client.destroy();
  else if (leave < 0.8) client.end();
  await client.until(() => client.ended || client.closed, 'prox to let go');
  client.destroy();
}

/** Attacks a service, some at a time. Seeds are its own. */
async function attackAll(service: (typeof SERVICES)[number]): Promise<void> {
  const first = SERVICES.indexOf(service) * 1000;
  for (let round = first; round < first + CASES; round += AT_ONCE) {
    const seeds = Array.from({ length: AT_ONCE }, (_, index) => round + index);
    await Promise.all(
      seeds.map((seed) => {
        const random = randomFrom(seed);
        return attack(daemon.port(service), firstBytes(random), random);
      }),
    );
  }
}

describe('any first bytes on any kind of listener', () => {
  it('neither break it nor stay', async () => {
    const before = await openSockets(daemon);
    // All of them together, as what waits longest is a timeout of 5 seconds.
    await Promise.all(SERVICES.map(attackAll));
    await socketsBackTo(daemon, before);
    expect(await exchangeRaw(daemon.port('plain'), 'GET / HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.[01] 200 /);
  });
});
