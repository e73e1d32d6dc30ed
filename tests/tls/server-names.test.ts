import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { makePair } from '../testing/certificates.ts';
import type { TestDaemon } from '../testing/daemon.ts';
import { stopHealthy } from '../testing/health.ts';
import { sClient } from '../testing/s-client.ts';
import { connectTls, startTls } from '../testing/tls.ts';

const DROP = { action: { type: 'static', status: 200 } };

describe('the certificate of a folder', () => {
  let daemon: TestDaemon;
  beforeAll(async () => {
    daemon = await startTls({
      pairs: {
        '1-first': makePair({ subject: 'first', alternatives: 'DNS:first.test' }),
        '2-wild': makePair({ subject: 'wild', alternatives: 'DNS:*.b.test,DNS:b.test' }),
        '3-exact': makePair({ subject: 'exact', alternatives: 'DNS:x.b.test,DNS:first.test' }),
        '4-common': makePair({ subject: 'Common.test' }),
        '5-rsa': makePair({ subject: 'rsa', alternatives: 'DNS:both.test', key: 'rsa:2048' }),
        '6-ec': makePair({ subject: 'ec', alternatives: 'DNS:both.test' }),
        '7-rsa-only': makePair({ subject: 'rsa-only', alternatives: 'DNS:only.test', key: 'rsa:2048' }),
      },
      routes: [DROP],
    });
  });
  afterAll(() => stopHealthy(daemon));

  it.each([
    ['first.test', 'first', 'the first of two with the name'],
    ['x.b.test', 'exact', 'the exact name before the wildcard'],
    ['y.b.test', 'wild', 'a wildcard'],
    ['Y.B.TEST', 'wild', 'no matter the case'],
    ['b.test', 'wild', 'a further name'],
    ['x.y.b.test', 'first', 'a wildcard is one label'],
    ['common.test', 'Common.test', 'the common name where there is no other'],
    ['other.test', 'first', 'no certificate matches'],
    ['only.test', 'rsa-only', 'no other kind of key takes its place'],
    ['', 'first', 'no name is sent'],
  ])('for %s is %s: %s', async (servername, subject) => {
    const socket = await connectTls(daemon.port(), { servername });
    expect(socket.getPeerCertificate().subject.CN).toBe(subject);
    socket.destroy();
  });

  it.each([
    ['RSA+SHA256:RSA-PSS+SHA256', 'rsa'],
    ['ECDSA+SHA256', 'ec'],
  ])('with two kinds of keys is the one that the client can verify: %s', async (algorithms, subject) => {
    for (const version of ['-tls1_2', '-tls1_3']) {
      const args = [version, '-servername', 'both.test', '-sigalgs', algorithms, '-showcerts'];
      const output = await sClient(daemon.port(), args);
      const [pem] = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/.exec(output) ?? [''];
      expect(new X509Certificate(pem).subject).toBe(`CN=${subject}`);
    }
  });

  it('is found in a ClientHello that comes in pieces', async () => {
    const relay = createServer((from) => {
      const to = connectPlain({ port: daemon.port(), host: '127.0.0.1', noDelay: true });
      to.pipe(from);
      from.on('data', (chunk: Buffer) => {
        for (let at = 0; at < chunk.length; at += 50) setImmediate(() => to.write(chunk.subarray(at, at + 50)));
      });
      for (const socket of [from, to]) socket.on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const socket = await connectTls((relay.address() as AddressInfo).port, { servername: 'x.b.test' });
    expect(socket.getPeerCertificate().subject.CN).toBe('exact');
    socket.destroy();
    relay.close();
  });
});
