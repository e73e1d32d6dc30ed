import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls, type SecureVersion } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { makePair } from '../testing/certificates.ts';
import type { TestDaemon } from '../testing/daemon.ts';
import { openSockets, stopHealthy } from '../testing/health.ts';
import { startTls } from '../testing/tls.ts';
import { TestUpstream } from '../testing/upstream.ts';
import { eventually } from '../testing/wait.ts';

const pair = makePair({ alternatives: 'DNS:a.test' });

/** Records that end the connection: one that no key fits, and a fatal alert where none is allowed to be in the clear. */
const BROKEN = {
  'a record that cannot be read': Buffer.concat([Buffer.from('1703030030', 'hex'), Buffer.alloc(48, 7)]),
  'an alert': Buffer.from('15030300020228', 'hex'),
};

/** Less than any other reason to close a connection takes. */
const AT_ONCE = 5000;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** Stands between a TLS client and the daemon, and lets the test send what no TLS library would. */
async function relay(port: number): Promise<{ readonly port: number; readonly toDaemon: Socket }> {
  const toDaemon = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    closers.push(() => socket.destroy());
    socket.pipe(toDaemon, { end: false });
    toDaemon.pipe(socket);
  });
  toDaemon.on('error', () => {});
  closers.push(
    () => toDaemon.destroy(),
    () => server.close(),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, toDaemon };
}

async function start(): Promise<{ daemon: TestDaemon; upstream: TestUpstream }> {
  const upstream = await TestUpstream.start();
  closers.push(() => upstream.stop());
  const routes = [{ action: { type: 'proxy', upstream: upstream.address } }];
  const daemon = await startTls({ pairs: { a: pair }, routes });
  closers.push(() => stopHealthy(daemon));
  return { daemon, upstream };
}

describe('a connection that a fatal TLS alert ends is closed at once', () => {
  const cases = (['TLSv1.2', 'TLSv1.3'] as const).flatMap((version) =>
    ['http/1.1', 'h2'].flatMap((alpn) =>
      ['fresh', 'idle', 'within a request'].flatMap((when) =>
        Object.entries(BROKEN).map(([what, bytes]) => [version, alpn, when, what, bytes] as const),
      ),
    ),
  );
  it.each(cases)('%s, %s, %s, %s', async (version: SecureVersion, alpn, when, _, bytes) => {
    const { daemon, upstream } = await start();
    const before = await openSockets(daemon);
    const { port, toDaemon } = await relay(daemon.port());
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [alpn] };
    const client = connectTls({ ...options, minVersion: version, maxVersion: version });
    client.on('error', () => {});
    closers.push(() => client.destroy());
    await new Promise((resolve) => client.once('secureConnect', resolve));
    const path = when === 'idle' ? '/' : '/hold';
    if (when !== 'fresh' && alpn === 'h2') {
      const session = connectHttp2('https://a.test', { createConnection: () => client });
      session.on('error', () => {});
      const request = session.request({ ':path': path });
      request.on('error', () => {});
      if (when === 'idle') await new Promise((resolve) => request.resume().once('end', resolve));
    } else if (when !== 'fresh') {
      client.write(`GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`);
      if (when === 'idle') await new Promise((resolve) => client.once('data', resolve));
    }
    if (when === 'within a request') await upstream.holds(1);
    toDaemon.unpipe();
    toDaemon.resume().write(bytes);
    // Only an idle connection to the upstream may stay.
    const left = before + (when === 'idle' ? 1 : 0);
    await eventually('the connection to be closed', async () => (await openSockets(daemon)) <= left, AT_ONCE);
    expect(await openSockets(daemon)).toBeLessThanOrEqual(left);
  });

  it('in the handshake', async () => {
    const { daemon } = await start();
    const before = await openSockets(daemon);
    for (const hello of ['15030300020228', '160301000401000000', '1603010004ff000000']) {
      const socket = connect({ port: daemon.port(), host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => {});
      closers.push(() => socket.destroy());
      await new Promise((resolve) => socket.once('connect', resolve));
      const ended = new Promise((resolve) => socket.resume().once('close', resolve).once('end', resolve));
      socket.write(Buffer.from(hello, 'hex'));
      await ended;
    }
    await eventually('all to be closed', async () => (await openSockets(daemon)) <= before, AT_ONCE);
    expect(await openSockets(daemon)).toBeLessThanOrEqual(before);
  });
});
