import type { ClientCertificate, Connection } from '../../transport/index.ts';
import type { Client } from '../received-request.ts';

/** The client at the other end of a connection. */
export abstract class ConnectionClient implements Client {
  readonly connection: Connection;
  readonly secure: boolean;

  constructor(connection: Connection, secure: boolean) {
    this.connection = connection;
    this.secure = secure;
  }

  get clientAddress(): string {
    return this.connection.remoteAddress;
  }

  get clientPort(): number {
    return this.connection.remotePort;
  }

  get localAddress(): string {
    return this.connection.localAddress;
  }

  get localPort(): number {
    return this.connection.localPort;
  }

  get certificate(): ClientCertificate | null {
    return this.connection.tls?.client ?? null;
  }
}
