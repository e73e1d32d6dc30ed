import { once } from 'node:events';

import { type ClientDuplexStream, status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';

import { restart } from '../testing/restart.ts';
import type { EchoClient } from './echo-service.ts';
import { GrpcDaemon, KINDS } from './grpc-daemon.ts';

/** Sends a message on a stream and waits for it to come back. */
async function turn(call: ClientDuplexStream<Buffer, Buffer>, text: string): Promise<void> {
  const back = once(call, 'data');
  call.write(Buffer.from(text));
  expect(String((await back)[0])).toBe(text);
}

/** Ends a stream from the client's side, and waits until the server has ended its own. */
async function finish(call: ClientDuplexStream<Buffer, Buffer>): Promise<void> {
  const told = once(call, 'status');
  call.end();
  call.resume();
  expect((await told)[0]).toMatchObject({ code: status.OK });
}

describe.each(KINDS)('a gRPC stream under way, %s on both sides', (kind) => {
  let grpc: GrpcDaemon;
  afterEach(() => grpc.stop());

  const begin = async (): Promise<{ client: EchoClient; call: ClientDuplexStream<Buffer, Buffer> }> => {
    grpc = await GrpcDaemon.start(kind);
    const client = grpc.connect();
    const call = client.bidi();
    await turn(call, 'before');
    return { client, call };
  };

  it('goes on through a reload, while calls that begin are served by the new config', async () => {
    const { client, call } = await begin();
    // What a server says that has no such service, in a response of trailers alone.
    const headers = { 'content-type': 'application/grpc', 'grpc-status': '12', 'grpc-message': 'reloaded' };
    expect(await grpc.reload({ type: 'static', status: 200, headers })).toBe(true);
    const { error } = await client.unary('unary', Buffer.from('x'));
    expect([error?.code, error?.details]).toEqual([status.UNIMPLEMENTED, 'reloaded']);
    await turn(call, 'after');
    await finish(call);
  });

  it('goes on through a restart, while calls that begin are served by the new process', async () => {
    const { client, call } = await begin();
    grpc.generations.push(await restart(grpc.daemon, grpc.daemon.pid));
    await turn(call, 'after');
    expect(await client.unary('unary', Buffer.from('x'))).toMatchObject({ error: null, message: 'x' });
    await turn(call, 'still');
    await finish(call);
    expect(await grpc.daemon.end()).toBe(0);
    expect(await client.unary('unary', Buffer.from('y'))).toMatchObject({ error: null, message: 'y' });
  });

  it('is told apart from a complete one when its server dies', async () => {
    const { client, call } = await begin();
    const failed = once(call, 'error');
    grpc.server.stop();
    const [error] = (await failed) as [{ code: number }];
    expect(error.code).not.toBe(status.OK);
    // No server listens there any more: 502, which gRPC reports as this status.
    expect((await client.unary('unary', Buffer.from('x'))).error?.code).toBe(status.UNAVAILABLE);
  });
});
