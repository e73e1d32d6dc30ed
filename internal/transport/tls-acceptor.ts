import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Deadlines, ProxyError } from '../base/index.ts';
import { Connection, type ConnectionHandler } from './connection.ts';

/** A certificate with its chain, and its key: PEM contents. */
export interface TlsCertificate {
  readonly cert: string;
  readonly key: string;
}

/** How a service terminates TLS. */
export interface TlsSettings {
  /** In the order of the config; the first answers clients whose name none is for. */
  readonly certificates: readonly TlsCertificate[];
  /** Offer HTTP/2 by ALPN. */
  readonly h2: boolean;
  /** PEM bundle that client certificates are verified against; null asks for none. */
  readonly clientCa: string | null;
  /** Whether a client without a valid certificate is refused. */
  readonly clientRequired: boolean;
  /** Milliseconds for the handshake. */
  readonly handshakeTimeout: number;
}

/** Told once how a handshake ended. */
export type TlsDone = (error: ProxyError | null, connection: Connection | null) => void;

/** Terminates TLS on connections that were accepted as plain ones. One serves all connections of a generation. */
export class TlsAcceptor {
  private readonly server: Server;
  private readonly deadlines: Deadlines;
  /** What to tell of the handshakes under way, by the socket's peer. */
  private readonly underWay = new Map<string, TlsDone>();

  constructor(settings: TlsSettings, deadlines: Deadlines) {
    this.deadlines = deadlines;
    const [first] = settings.certificates;
    this.server = createServer({
      cert: first?.cert,
      key: first?.key,
      ALPNProtocols: settings.h2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      handshakeTimeout: settings.handshakeTimeout,
    });
    this.server.on('secureConnection', (socket) => this.serverOnSecure(socket));
    this.server.on('tlsClientError', (error, socket) => this.serverOnClientError(error, socket));
  }

  /**
   * Takes a connection over and does the handshake on it.
   * @param unread what was read of it already: the begin of the ClientHello
   */
  accept(connection: Connection, unread: Buffer, done: TlsDone): void {
    this.underWay.set(`${connection.remoteAddress} ${connection.remotePort}`, done);
    this.server.emit('connection', connection.release(unread));
  }

  private serverOnSecure(socket: TLSSocket): void {
    const facts = {
      serverName: socket.servername === false ? null : (socket.servername ?? null),
      alpn: socket.alpnProtocol === false ? null : socket.alpnProtocol,
      client: null,
    };
    const connection = new Connection(socket, this.deadlines, UNOWNED, null, facts);
    this.take(connection.remoteAddress, connection.remotePort)?.(null, connection);
  }

  private serverOnClientError(error: Error, socket: TLSSocket): void {
    const done = this.take(socket.remoteAddress ?? '', socket.remotePort ?? 0);
    done?.(new ProxyError('client_closed', error.message, { cause: error }), null);
  }

  private take(address: string, port: number): TlsDone | undefined {
    const key = `${address} ${port}`;
    const done = this.underWay.get(key);
    this.underWay.delete(key);
    return done;
  }
}

/** Until `done` has given the connection an owner, nothing can come. */
const UNOWNED: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onDeadline() {},
  onClose() {},
  onBroken() {},
};
