import type { MemorySocket } from './memory-socket.ts';

/** The client's end of a connection, as a test drives it: what it has got so far, and what has become of it. */
export class MemoryClient {
  readonly socket: MemorySocket;
  /** The server has sent its last byte. */
  ended = false;
  /** Both ways are over. */
  closed = false;
  /** The connection broke. */
  reset = false;
  #chunks: Buffer[] = [];

  constructor(socket: MemorySocket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    socket.on('end', () => (this.ended = true));
    socket.on('error', () => (this.reset = true));
    socket.on('close', () => (this.closed = true));
  }

  /** Everything received, a character for each byte. */
  get received(): string {
    return Buffer.concat(this.#chunks).toString('latin1');
  }

  /** Takes what was received so far: the next look begins behind it. */
  take(): string {
    const { received } = this;
    this.#chunks = [];
    return received;
  }

  /** Sends text, a byte for each character, or bytes; all of it has come when the promise resolves. */
  send(data: string | Buffer): Promise<void> {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
    return settled();
  }

  /** Sends it byte by byte: each comes in a read of its own. */
  async dribble(data: string): Promise<void> {
    for (const byte of data) await this.send(byte);
  }

  /** Sends no more; still reads. */
  end(): Promise<void> {
    this.socket.end();
    return settled();
  }

  /** Closes without a word. */
  close(): Promise<void> {
    this.socket.destroy();
    return settled();
  }

  /** Breaks the connection. */
  break(): Promise<void> {
    this.socket.resetAndDestroy();
    return settled();
  }

  /** Reads nothing for now. */
  pause(): void {
    this.socket.pause();
  }

  resume(): Promise<void> {
    this.socket.resume();
    return settled();
  }
}

/**
 * Resolves when everything in memory has come to rest: all of it moves in ticks, which run before an immediate does. What
 * an immediate sets going has come to rest after the second.
 */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
