import { ProxyError } from '../base/index.ts';
import { ClientHelloReader } from '../tlshello/index.ts';
import type { Connection } from './connection.ts';
import type { ConnectionHandler } from './connection-handler.ts';

/**
 * Called with the server name of the ClientHello (null for none) and all bytes that were read, or with an error if the
 * connection has closed before.
 */
export type HelloDone = (error: ProxyError | null, serverName: string | null, bytes: Buffer) => void;

/** Reads the server name of a ClientHello that may arrive in pieces. The caller limits the time. */
export class HelloReading implements ConnectionHandler {
  private readonly connection: Connection;
  private readonly done: HelloDone;
  private readonly reader = new ClientHelloReader();
  private pieces: Buffer[] = [];

  constructor(connection: Connection, done: HelloDone) {
    this.connection = connection;
    this.done = done;
    connection.handler = this;
  }

  onData(buffer: Buffer, start: number, end: number): void {
    // The bytes are borrowed, so they are copied. The reader accepts at most 16 KiB.
    this.pieces.push(Buffer.from(buffer.subarray(start, end)));
    let serverName: string | null = null;
    try {
      const hello = this.reader.feed(buffer, start, end);
      if (hello === null) return;
      ({ serverName } = hello);
    } catch {
      // OpenSSL decides: it refuses the hello with the right alert, or accepts a form that this reader does not know.
    }
    this.done(null, serverName, Buffer.concat(this.pieces));
  }

  onEnd(): void {
    this.connection.destroy();
  }

  onDrain(): void {}

  onDeadline(): void {}

  onClose(): void {
    this.done(new ProxyError('tls_handshake', 'the connection closed during the handshake'), null, NOTHING);
  }

  onBroken(error: unknown): void {
    this.done(ProxyError.from(error), null, NOTHING);
  }
}

const NOTHING = Buffer.alloc(0);
