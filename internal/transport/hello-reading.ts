import { ProxyError } from '../base/index.ts';
import { ClientHelloReader } from '../tlshello/index.ts';
import type { Connection } from './connection.ts';
import type { ConnectionHandler } from './connection-handler.ts';

/**
 * Told what the ClientHello asks for: the name, null without one, and all bytes that were read. Or an error, when the
 * connection is gone before.
 */
export type HelloDone = (error: ProxyError | null, serverName: string | null, bytes: Buffer) => void;

/** Reads the server name of a ClientHello that may come in pieces; whoever waits for it bounds the time. */
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
    // The bytes are borrowed. The reader takes 16 KiB at most.
    this.pieces.push(Buffer.from(buffer.subarray(start, end)));
    let serverName: string | null = null;
    try {
      const hello = this.reader.feed(buffer, start, end);
      if (hello === null) return;
      ({ serverName } = hello);
    } catch {
      // OpenSSL is to refuse it, with the alert that is due; it may know what this reader does not.
    }
    this.done(null, serverName, Buffer.concat(this.pieces));
  }

  onEnd(): void {
    this.connection.destroy();
  }

  onDrain(): void {}

  onDeadline(): void {}

  onClose(): void {
    this.done(new ProxyError('tls_handshake', 'the connection closed in the handshake'), null, NOTHING);
  }

  onBroken(error: unknown): void {
    this.done(ProxyError.from(error), null, NOTHING);
  }
}

const NOTHING = Buffer.alloc(0);
