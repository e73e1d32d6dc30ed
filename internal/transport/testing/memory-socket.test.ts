import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { asSocket, memoryPair } from './memory-socket.ts';

interface Pair {
  readonly accepted: Socket;
  readonly connected: Socket;
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** The same over the loopback interface of this machine. */
async function kernelPair(): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true, highWaterMark: 16_384, noDelay: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepting = once(server, 'connection') as Promise<[Socket]>;
  const { port } = server.address() as { port: number };
  const connected = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const [accepted] = await accepting;
  server.close();
  return { accepted, connected };
}

/** What happens on a socket, in order: bytes that come one after another are one event. */
function watch(socket: Socket): string[] {
  const events: string[] = [];
  let text = '';
  const note = (event: string): void => {
    if (text !== '') events.push(`data ${text}`);
    text = '';
    if (event !== '') events.push(event);
  };
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('end', () => note('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => note(String(error.code)));
  socket.on('close', () => note('close'));
  return events;
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const KINDS: readonly [string, () => Promise<Pair> | Pair][] = [
  ['the loopback interface', kernelPair],
  [
    'memory',
    () => {
      const { accepted, connected } = memoryPair();
      return { accepted: asSocket(accepted), connected: asSocket(connected) };
    },
  ],
];

describe.each(KINDS)('a connection over %s', (_, make) => {
  async function pair(): Promise<Pair> {
    const made = await make();
    closers.push(
      () => made.accepted.destroy(),
      () => made.connected.destroy(),
    );
    return made;
  }

  it('brings bytes in order, and the end behind them', async () => {
    const { accepted, connected } = await pair();
    const events = watch(accepted);
    connected.write('one ');
    connected.cork();
    connected.write('two ');
    connected.write('three');
    connected.uncork();
    connected.end();
    await until(() => events.includes('end'));
    expect(events).toEqual(['data one two three', 'end']);
    expect(accepted.bytesRead).toBe(13);
    expect(connected.bytesWritten).toBe(13);
  });

  it('goes on in one direction when the other has ended, and closes behind both', async () => {
    const { accepted, connected } = await pair();
    const [theirs, ours] = [watch(connected), watch(accepted)];
    connected.end('question');
    await until(() => ours.includes('end'));
    accepted.end('answer');
    await until(() => theirs.includes('close') && ours.includes('close'));
    expect(ours).toEqual(['data question', 'end', 'close']);
    expect(theirs).toEqual(['data answer', 'end', 'close']);
    expect(accepted.remoteAddress).toBeUndefined();
  });

  it('has taken small bytes when the write returns', async () => {
    const { accepted } = await pair();
    accepted.write('small');
    expect(accepted.writableLength).toBe(0);
  });

  it('fills up when its peer does not read, and drains when it does', async () => {
    const { accepted, connected } = await pair();
    connected.pause();
    let written = 0;
    const piece = Buffer.alloc(65_536, 'x');
    while (!accepted.writableNeedDrain) {
      accepted.write(piece);
      written += piece.length;
    }
    expect(accepted.writableLength).toBeGreaterThan(0);
    const drained = once(accepted, 'drain');
    let received = 0;
    connected.on('data', (chunk: Buffer) => (received += chunk.length));
    connected.resume();
    await drained;
    await until(() => received === written);
    expect(accepted.writableLength).toBe(0);
  });

  it('brings what was sent before a close', async () => {
    const { accepted, connected } = await pair();
    const events = watch(connected);
    accepted.write('the last word');
    accepted.destroy();
    await until(() => events.includes('end'));
    expect(events).toEqual(['data the last word', 'end']);
  });

  it('breaks when it is closed with bytes unread', async () => {
    const { accepted, connected } = await pair();
    const events = watch(connected);
    accepted.pause();
    connected.write(Buffer.alloc(300_000));
    // What is in the hands of the kernel, and not of the socket.
    await until(() => accepted.readableLength > 0);
    accepted.destroy();
    await until(() => events.includes('close'));
    expect(events).toEqual(['ECONNRESET', 'close']);
  });

  it('breaks when something is written to one that has closed', async () => {
    const { accepted, connected } = await pair();
    const events = watch(connected);
    accepted.destroy();
    await until(() => events.includes('end'));
    // The first is taken, and answered with a reset, which a later one finds.
    await until(() => !connected.write('are you there?') || events.includes('close'));
    await until(() => events.includes('close'));
    expect(events).toEqual(['end', 'EPIPE', 'close']);
  });

  it('breaks by a reset', async () => {
    const { accepted, connected } = await pair();
    const [theirs, ours] = [watch(connected), watch(accepted)];
    accepted.resetAndDestroy();
    await until(() => theirs.includes('close') && ours.includes('close'));
    expect(theirs).toEqual(['ECONNRESET', 'close']);
    expect(ours).toEqual(['close']);
  });

  it('closes behind what waits', async () => {
    const { accepted, connected } = await pair();
    connected.pause();
    const bytes = 8_000_000;
    accepted.write(Buffer.alloc(bytes));
    accepted.destroySoon();
    let received = 0;
    connected.on('data', (chunk: Buffer) => (received += chunk.length));
    const ended = once(connected, 'end');
    connected.resume();
    await ended;
    expect(received).toBe(bytes);
  });

  it('gives unread bytes to its next owner first', async () => {
    const { accepted, connected } = await pair();
    accepted.unshift(Buffer.from('read before, '));
    connected.end('read now');
    const events = watch(accepted);
    await until(() => events.includes('end'));
    expect(events).toEqual(['data read before, read now', 'end']);
  });
});
