import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Deadlines } from '../base/index.ts';
import { Admission } from './admission.ts';
import { BoundAddress } from './bound-address.ts';
import type { Connection } from './connection.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { DescriptorBudget } from './descriptors.ts';
import { Listener } from './listener.ts';
import { SYSTEM_NETWORK } from './network.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const SETTINGS = { maxConnections: 0, maxWait: 60_000, keepAlive: 0 };

/** A listener on a free port, and the ports of the clients that it has served. */
async function listening(maxConnections = 0): Promise<{ listener: Listener; bound: BoundAddress; served: number[] }> {
  const bound = await BoundAddress.bind({ kind: 'tcp', host: '127.0.0.1', port: 0, text: '127.0.0.1:0' });
  const served: number[] = [];
  const accept = (connection: Connection): ConnectionHandler => {
    served.push(connection.remotePort);
    return { onData() {}, onEnd() {}, onDrain() {}, onDeadline() {}, onClose() {}, onBroken() {} };
  };
  const admission = new Admission(new DescriptorBudget(Infinity), null, () => {});
  const options = { writeBufferSize: 16_384, report: () => {}, admission, network: SYSTEM_NETWORK, wantSpare: null };
  const settings = { ...SETTINGS, maxConnections };
  const listener = await Listener.listen(bound.handle, settings, options, new Deadlines(), accept);
  closers.push(
    () => listener.close(),
    () => bound.close(),
  );
  return { listener, bound, served };
}

async function client(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  closers.push(() => socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Connections that come later are served later: when this one is, all before have had their turn. */
async function turn(port: number, served: readonly number[]): Promise<void> {
  const last = await client(port);
  while (!served.includes(last.localPort as number)) await new Promise((resolve) => setImmediate(resolve));
}

describe('a listener', () => {
  it('lets connections wait until it is opened, and serves them in the order of coming', async () => {
    const { listener, bound, served } = await listening();
    const early = [await client(bound.port), await client(bound.port)];
    // Both are there for the taking: a listener that is open would have served them within a turn or two of the loop.
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(served).toEqual([]);
    listener.open();
    await turn(bound.port, served);
    expect(served.slice(0, 2)).toEqual(early.map(({ localPort }) => localPort));
  });

  it('closes those that wait when it never opens', async () => {
    const { listener, bound, served } = await listening();
    const early = await client(bound.port);
    const closed = new Promise((resolve) => early.once('close', resolve));
    listener.close();
    await closed;
    expect(served).toEqual([]);
  });

  it('accepts again after it was suspended, from another socket on the same address', async () => {
    const { listener, bound, served } = await listening();
    listener.open();
    await turn(bound.port, served);
    listener.suspend();
    await bound.close();
    const again = await BoundAddress.bind({ kind: 'tcp', host: '127.0.0.1', port: bound.port, text: 'again' });
    closers.push(() => again.close());
    await listener.resume(again.handle);
    await turn(again.port, served);
    expect(served).toHaveLength(2);
  });

  it('serves no more than maxConnections when it is opened', async () => {
    const { listener, bound, served } = await listening(1);
    const first = await client(bound.port);
    await client(bound.port);
    listener.open();
    while (served.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(served).toEqual([first.localPort]);
  });
});
