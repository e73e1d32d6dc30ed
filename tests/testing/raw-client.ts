import { connect, type Socket } from 'node:net';

import { Changes } from './wait.ts';

/** A client that sends and reads bytes as they are: for what no HTTP library would send. */
export class RawClient {
  readonly socket: Socket;
  /** Everything received so far, a character for each byte. */
  received = '';
  /** The server has ended its side. */
  ended = false;
  /** The connection is gone; `reset` tells whether it broke. */
  closed = false;
  reset = false;
  private readonly changes = new Changes();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
      this.changes.notify();
    });
    socket.on('end', () => {
      // libuv tells of a reset that comes with the last bytes as an end; then there is no peer any more.
      // One whose own side has ended before has none either.
      if (!socket.writableEnded && socket.remoteAddress === undefined && socket.localAddress !== undefined) {
        this.reset = true;
        socket.destroy();
        return;
      }
      this.ended = true;
      this.changes.notify();
    });
    socket.on('error', (error) => {
      this.reset = 'code' in error && error.code === 'ECONNRESET';
    });
    socket.on('close', () => {
      this.closed = true;
      this.changes.notify();
    });
  }

  static async connect(port: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ port, host, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  /** Reads and writes an open socket raw, such as one that a server has accepted. */
  static over(socket: Socket): RawClient {
    return new RawClient(socket);
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Waits until the condition holds. */
  async until(condition: () => boolean, what = 'a condition'): Promise<void> {
    await this.changes.until(condition, () => `${what}; received so far:\n${this.received.slice(0, 2000)}`);
  }

  /** Waits until the text has come. */
  async sees(text: string): Promise<string> {
    await this.until(() => this.received.includes(text), JSON.stringify(text));
    return this.received;
  }

  /** Waits until the server ends or breaks the connection, and returns everything received. */
  async toEnd(): Promise<string> {
    await this.until(() => this.ended || this.closed, 'the end of the connection');
    return this.received;
  }

  /** Waits until the connection is gone in both directions. */
  async gone(): Promise<void> {
    await this.until(() => this.closed, 'the connection to close');
  }

  /** Sends no more; what the server sends is still read. */
  end(): this {
    this.socket.end();
    return this;
  }

  destroy(): void {
    this.socket.destroy();
  }
}

/** Sends bytes on a connection of their own, ends it or not, and returns all that comes back until it is closed. */
export async function exchangeRaw(port: number, text: string): Promise<string> {
  const client = await RawClient.connect(port);
  const received = await client.send(text).toEnd();
  client.destroy();
  return received;
}
