import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { TestDaemon } from '../testing/daemon.ts';
import { assertNoFaults } from '../testing/health.ts';
import { pairFor } from '../testing/certificates.ts';
import { eventually } from '../testing/wait.ts';
import { EchoClient, EchoServer } from './echo-service.ts';

const MIB = 1024 * 1024;
const ALIKE = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => i % 251));

describe.each(['cleartext', 'TLS'])('gRPC through prox, %s on both sides', (kind) => {
  let server: EchoServer;
  let daemon: TestDaemon;
  let client: EchoClient;
  beforeAll(async () => {
    const secure = kind === 'TLS';
    const pair = pairFor('localhost');
    server = await EchoServer.start(secure ? pair : null);
    const upstream = `127.0.0.1:${server.port}`;
    const action = secure
      ? { type: 'proxy', upstream: `https://${upstream}`, upstream_tls: { ca: './cert.pem', server_name: 'localhost' } }
      : { type: 'proxy', upstream: `http://${upstream}`, proto: 'h2' };
    const tls = secure ? { tls: true, tls_cert: './cert.pem', tls_key: './key.pem' } : {};
    daemon = await TestDaemon.start(
      { services: { web: { listen: '127.0.0.1:0', ...tls, routes: [{ action }] } } },
      {
        prepare: async (folder) => {
          await writeFile(join(folder, 'cert.pem'), pair.cert);
          await writeFile(join(folder, 'key.pem'), pair.key);
          return join(folder, 'prox.json5');
        },
      },
    );
    client = new EchoClient(daemon.port(), secure ? pair.cert : null);
  });
  afterAll(async () => {
    client.close();
    server.stop();
    await daemon.stop();
    assertNoFaults(daemon);
  });

  it('answers a call, with metadata before and behind it', async () => {
    const metadata = new Metadata();
    metadata.set('x-asked', 'for this');
    const ended = await client.unary('unary', Buffer.from('hello'), { metadata });
    expect([ended.error, ended.message]).toEqual([null, 'hello']);
    expect(ended.initial.get('x-initial')).toEqual(['for this']);
    expect(ended.initial.get('x-bytes-bin')).toEqual([Buffer.from([0, 1, 255])]);
    expect(ended.trailing.get('x-trailing')).toEqual(['yes']);
  });

  it('answers many calls at once', async () => {
    const calls = Array.from({ length: 200 }, (_, i) => client.unary('unary', Buffer.from(String(i))));
    expect((await Promise.all(calls)).map(({ message }) => message)).toEqual(calls.map((_, i) => String(i)));
  });

  it('carries messages that are larger than every window', { timeout: 20_000 }, async () => {
    const large = ALIKE(8 * MIB);
    const ended = await client.unary('unary', large);
    expect(ended.error).toBeNull();
    expect(Buffer.from(ended.message, 'latin1').equals(large)).toBe(true);
  });

  it('tells of a failure with its status and details, in a response of trailers alone', async () => {
    const { error } = await client.unary('fail', Buffer.from('x'));
    expect([error?.code, error?.details]).toEqual([status.FAILED_PRECONDITION, 'not ready: 100 %']);
  });

  it('tells of a method that there is not', async () => {
    const { error } = await client.unary('missing', Buffer.from('x'));
    expect(error?.code).toBe(status.UNIMPLEMENTED);
  });

  it('streams from the server', async () => {
    const parts: string[] = [];
    const call = client.serverStream(Buffer.from('n'));
    call.on('data', (part: Buffer) => parts.push(part.toString()));
    await once(call, 'end');
    expect(parts).toEqual(Array.from({ length: 10 }, (_, i) => `n${i}`));
  });

  it('streams from the client', async () => {
    const value = await new Promise<Buffer | undefined>((resolve, reject) => {
      const call = client.clientStream((error, result) => (error === null ? resolve(result) : reject(error)));
      for (let i = 0; i < 10; i++) call.write(Buffer.from(String(i)));
      call.end();
    });
    expect(value?.toString()).toBe('0123456789');
  });

  it('streams both ways, each message answered before the next is sent', async () => {
    const call = client.bidi();
    for (let i = 0; i < 10; i++) {
      call.write(Buffer.from(`turn ${i}`));
      const [part] = (await once(call, 'data')) as [Buffer];
      expect(part.toString()).toBe(`turn ${i}`);
    }
    call.end();
    await once(call, 'end');
  });

  it('streams much both ways at once', { timeout: 20_000 }, async () => {
    const call = client.bidi();
    const part = ALIKE(65_536);
    let received = 0;
    call.on('data', (bytes: Buffer) => (received += bytes.length));
    for (let i = 0; i < 128; i++) if (!call.write(part)) await once(call, 'drain');
    call.end();
    await once(call, 'end');
    expect(received).toBe(128 * part.length);
  });

  it('carries a deadline to the server and its end back', async () => {
    const { error } = await client.unary('hang', Buffer.from('x'), { deadline: new Date(Date.now() + 300) });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    await eventually('the server to hear of it', () => server.hanging === 0);
  });

  it('carries a cancellation to the server', async () => {
    const cancelled = new AbortController();
    const call = client.unary('hang', Buffer.from('x'), { cancelled: cancelled.signal });
    await eventually('the call to come', () => server.hanging === 1);
    cancelled.abort();
    expect((await call).error?.code).toBe(status.CANCELLED);
    await eventually('the server to hear of it', () => server.hanging === 0);
  });
});
