import { once } from 'node:events';

import { Metadata, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { eventually } from '../testing/wait.ts';
import type { EchoClient, EchoServer } from './echo-service.ts';
import { GrpcDaemon, KINDS } from './grpc-daemon.ts';

/** Larger than every window and buffer on the way. */
const LARGE_BYTES = 20_000_000;
const ALIKE = (size: number): Buffer => Buffer.from(Array.from({ length: size }, (_, i) => i % 251));

describe.each(KINDS)('gRPC through prox, %s on both sides', (kind) => {
  let grpc: GrpcDaemon;
  let server: EchoServer;
  let client: EchoClient;
  beforeAll(async () => {
    grpc = await GrpcDaemon.start(kind);
    ({ server } = grpc);
    client = grpc.connect();
  });
  afterAll(() => grpc.stop());

  it('answers a call, with metadata before and behind it', async () => {
    const metadata = new Metadata();
    metadata.set('x-asked', 'for this');
    metadata.add('x-bytes-bin', Buffer.from([0, 1, 255]));
    metadata.add('x-bytes-bin', Buffer.from('and, more'));
    const ended = await client.unary('unary', Buffer.from('hello'), { metadata });
    expect([ended.error, ended.message]).toEqual([null, 'hello']);
    expect(ended.initial.get('x-initial')).toEqual(['for this']);
    expect(ended.initial.get('x-bytes-bin')).toEqual([Buffer.from([0, 1, 255]), Buffer.from('and, more')]);
    expect(ended.trailing.get('x-trailing')).toEqual(['yes']);
    expect(ended.trailing.get('x-trailing-bin')).toEqual([Buffer.from([255, 0])]);
  });

  it('answers more calls at once than one connection takes', async () => {
    const calls = Array.from({ length: 200 }, (_, i) => client.unary('unary', Buffer.from(String(i))));
    expect((await Promise.all(calls)).map(({ message }) => message)).toEqual(calls.map((_, i) => String(i)));
  });

  it('carries messages of 20 MB both ways', async () => {
    const large = ALIKE(LARGE_BYTES);
    const ended = await client.unary('unary', large);
    expect(ended.error).toBeNull();
    expect(Buffer.from(ended.message, 'latin1').equals(large)).toBe(true);
  });

  it('tells of a failure with its status and details, in a response of trailers alone', async () => {
    const { error } = await client.unary('fail', Buffer.from('x'));
    expect([error?.code, error?.details]).toEqual([status.FAILED_PRECONDITION, 'not ready: 100 %']);
    expect(error?.metadata.get('x-why-bin')).toEqual([Buffer.from([7, 0, 7])]);
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

  it('streams much both ways at once', async () => {
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
    const deadline = Date.now() + 500;
    const call = client.unary('hang', Buffer.from('x'), { deadline: new Date(deadline) });
    await eventually('the call to come', () => server.hanging === 1);
    // It goes as what is left of it; the clock is the same.
    expect(Math.abs((server.deadline ?? 0) - deadline)).toBeLessThan(400);
    expect((await call).error?.code).toBe(status.DEADLINE_EXCEEDED);
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

  it('carries a cancellation in the middle of a stream', async () => {
    server.heard.length = 0;
    const call = client.bidi();
    call.on('error', () => {
      // That it was cancelled.
    });
    call.write(Buffer.from('one'));
    await once(call, 'data');
    call.cancel();
    await eventually('the server to hear of it', () => server.heard.includes('cancelled'));
  });

  it('lets a call continue beside one that is not read', async () => {
    const stuck = client.bidi();
    stuck.on('error', () => {
      // It is cancelled in the end.
    });
    stuck.pause();
    let taken = 0;
    const part = ALIKE(65_536);
    const more = (): void => {
      while (stuck.write(part)) taken++;
      taken++;
    };
    stuck.on('drain', more);
    more();
    await eventually('the stream to be under way', () => taken > 3);
    expect(await client.unary('unary', Buffer.from('quick'))).toMatchObject({ error: null, message: 'quick' });
    stuck.cancel();
  });
});
