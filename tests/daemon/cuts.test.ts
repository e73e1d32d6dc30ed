import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { pairFor } from '../testing/certificates.ts';
import { TestDaemon } from '../testing/daemon.ts';
import { freePort } from '../testing/ports.ts';
import { RawUpstream } from '../testing/raw-upstream.ts';
import { Relayed } from '../testing/relayed.ts';
import { restart } from '../testing/restart.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** The end of the connection is the end of the body: a close would make a part look like the whole (RFC 9112 §8). */
const GET = 'GET / HTTP/1.0\r\nHost: own.test\r\n\r\n';
const PART = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n';

interface Services {
  readonly services: Readonly<Record<string, unknown>>;
}

/** A daemon before an upstream that sends a part of its response, and a client that has got it. */
class Download {
  readonly daemon: TestDaemon;
  readonly config: Services;
  /** How the connection ended: `end`, or the code of what broke it. */
  readonly ending: Promise<string | undefined>;
  /** Supervisors that restarts have started. */
  readonly generations: number[] = [];
  private readonly socket: Socket;

  private constructor(daemon: TestDaemon, config: Services, socket: Socket) {
    this.daemon = daemon;
    this.config = config;
    this.socket = socket;
    this.ending = new Promise((resolve) => {
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
      socket.once('end', () => resolve('end'));
    });
    closers.push(async () => {
      socket.destroy();
      await daemon.stop(this.generations);
    });
  }

  static async begin(secure: boolean): Promise<Download> {
    const upstream = await RawUpstream.start();
    closers.push(() => upstream.stop());
    upstream.serve(PART);
    const { cert, key } = pairFor('own.test');
    const service = {
      listen: `127.0.0.1:${await freePort()}`,
      routes: [{ action: { type: 'proxy', upstream: upstream.authority } }],
      config: { shutdown_timeout: '200ms' },
      ...(secure ? { tls: true, tls_cert: 'own.crt', tls_key: 'own.key' } : {}),
    };
    const config = { services: { web: service } };
    const daemon = await TestDaemon.start(config, { files: { 'own.crt': cert, 'own.key': key } });
    const place = { port: daemon.port(), host: '127.0.0.1' };
    const download = new Download(
      daemon,
      config,
      secure ? connectTls({ ...place, rejectUnauthorized: false }) : connectTcp(place),
    );
    await download.hasPart();
    return download;
  }

  private hasPart(): Promise<void> {
    const { socket } = this;
    socket.write(GET);
    return new Promise((resolve) => {
      let received = '';
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
        if (received.endsWith('\r\n\r\npart')) resolve();
      });
    });
  }
}

describe('a response that is cut at shutdown_timeout ends by a reset', () => {
  it.each([
    ['without TLS', false],
    ['behind TLS', true],
  ])('when prox stops, %s', async (_, secure) => {
    const download = await Download.begin(secure);
    download.daemon.signal('SIGTERM');
    expect(await download.ending).toBe('ECONNRESET');
    expect(await download.daemon.end()).toBe(0);
  });

  it('when its listener is removed', async () => {
    const download = await Download.begin(false);
    const { web } = download.config.services;
    const services = { web: { ...(web as object), listen: `127.0.0.1:${await freePort()}` } };
    expect(await download.daemon.reload({ services })).toBe(true);
    expect(await download.ending).toBe('ECONNRESET');
  });

  it('when prox restarts', async () => {
    const download = await Download.begin(false);
    download.generations.push(await restart(download.daemon, download.daemon.pid));
    expect(await download.ending).toBe('ECONNRESET');
  });

  it('when it is a relay, on both sides', async () => {
    const relayed = await Relayed.start({ limits: { shutdown_timeout: '200ms' } });
    closers.push(() => relayed.stop());
    const { client, peer } = await relayed.connect();
    peer.send('part');
    await client.sees('part');
    relayed.daemon.signal('SIGTERM');
    await client.gone();
    await peer.gone();
    expect([client.reset, peer.reset]).toEqual([true, true]);
  });
});
