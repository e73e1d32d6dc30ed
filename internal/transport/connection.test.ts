import { createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Deadlines } from '../base/index.ts';
import { Connection, WriteState } from './connection.ts';
import { IDLE_HANDLER } from './connection-handler.ts';

describe('what is written before the socket takes it', () => {
  let server: Server;
  let connection: Connection;

  beforeEach(async () => {
    server = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    // Nothing leaves before the connection stands, so that everything waits, as it always does for TLS.
    const socket = new Socket({ highWaterMark: 65_536 } as SocketConstructorOpts).connect(address.port);
    connection = new Connection(socket, new Deadlines(), IDLE_HANDLER);
  });

  afterEach(() => {
    connection.destroy();
    server.close();
  });

  it('is a copy when it is text or small: its memory is free', () => {
    connection.text('HTTP/1.1 200 OK\r\n\r\n');
    connection.bytes(Buffer.from('ok'), 0, 2);
    expect(connection.flush()).toBe(WriteState.taken);
    expect(connection.hasPending).toBe(true);
  });

  it('is a copy of its own, whatever is written after it, to this connection or to another', async () => {
    const received: Buffer[] = [];
    server.removeAllListeners('connection');
    const all = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        socket.on('data', (chunk: Buffer) => {
          received.push(chunk);
          if (Buffer.concat(received).length === 3008) resolve();
        });
      });
    });
    const body = Buffer.alloc(1000);
    for (const letter of 'abc') {
      body.fill(letter);
      connection.text(`${letter}: `.slice(0, letter === 'c' ? 2 : 3));
      connection.bytes(body, 0, 1000);
      expect(connection.flush()).toBe(WriteState.taken);
    }
    await all;
    const [a, b, c] = ['a', 'b', 'c'].map((letter) => letter.repeat(1000));
    expect(Buffer.concat(received).toString('latin1')).toBe(`a: ${a}b: ${b}c:${c}`);
  });

  it('takes little more memory than it has bytes, however many pieces wait', () => {
    connection.text('first');
    connection.flush();
    const before = process.memoryUsage().arrayBuffers;
    for (let piece = 0; piece < 50; piece++) {
      connection.bytes(Buffer.allocUnsafe(600), 0, 600);
      connection.flush();
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(200_000);
  });

  it('is lent when it is large, and stays so for what comes behind it', () => {
    connection.bytes(Buffer.alloc(17_000), 0, 17_000);
    expect(connection.flush()).toBe(WriteState.pending);
    connection.text('more');
    expect(connection.flush()).toBe(WriteState.pending);
  });

  it('is lent from the second piece on when that is not small', () => {
    connection.bytes(Buffer.alloc(8192), 0, 8192);
    connection.bytes(Buffer.alloc(8192), 0, 8192);
    expect(connection.flush()).toBe(WriteState.pending);
  });

  it('is too much at some point, whatever it is', () => {
    connection.text('x'.repeat(100_000));
    expect(connection.flush()).toBe(WriteState.full);
  });
});

describe('a socket that is given away', () => {
  it('holds nothing of its connection any more', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const socket = new Socket();
    const connection = new WeakRef(new Connection(socket, new Deadlines(), IDLE_HANDLER));
    connection.deref()?.release(null);
    // A WeakRef keeps its target for the turn of the loop in which it was looked at.
    await new Promise(setImmediate);
    collect();
    expect(connection.deref()).toBeUndefined();
    socket.destroy();
  });
});
