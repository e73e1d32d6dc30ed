import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Deadline, type Deadlines, ProxyError } from '../base/index.ts';
import { Connection } from './connection.ts';
import { HelloReading } from './hello-reading.ts';
import { IDLE_HANDLER } from './connection-handler.ts';
import {
  CertificateChoice,
  type CertificateGroup,
  contextOptions,
  normalServerName,
  type TlsCertificate,
  type TlsContextSettings,
} from './tls-context.ts';
import type { ClientCertificate } from './tls-facts.ts';

/** The TLS settings of a service. */
export interface TlsSettings extends TlsContextSettings {
  /** In the order of the config, at least one. The first serves clients whose name matches no certificate. */
  readonly certificates: readonly TlsCertificate[];
  /** Whether to offer HTTP/2 by ALPN. */
  readonly h2: boolean;
  /**
   * If true, a client without a valid certificate is refused. If false, only a client with an invalid certificate is.
   */
  readonly clientRequired: boolean;
  /** Milliseconds for the handshake; 0 = none. */
  readonly handshakeTimeout: number;
}

/** Called once at the end of a handshake, with an error or with the connection inside TLS. */
export type TlsDone = (error: ProxyError | null, connection: Connection | null) => void;

/** A handshake in progress. */
export interface TlsHandshake {
  /** Ends the handshake: the connection is closed, and `done` is called. Has no effect after its end. */
  abort(error: ProxyError): void;
  /** Limits the rest of the handshake to `milliseconds` from now. */
  hurry(milliseconds: number): void;
}

/**
 * Handshakes at a time. Each takes about 60 kB, so all of them take 120 MB. That is enough for the clients that
 * reconnect after an outage, and clients that connect and send nothing cannot take all memory. Above this number, a new
 * handshake replaces the oldest if that is slow; otherwise the new one is closed.
 */
const MAX_HANDSHAKES = 2048;

/**
 * Milliseconds after which a handshake counts as slow, and may be replaced if there are too many: two round trips
 * around the world. So silent clients cannot lock others out. Younger handshakes wait for prox, and their clients would
 * come back if they were closed.
 */
const SLOW_HANDSHAKE_MS = 1000;

/** Node's own timer restarts with every byte, so it is set to its maximum. The deadline of prox does not restart. */
const NODE_HANDSHAKE_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Terminates TLS on connections that were accepted as plain ones. One instance serves all connections of a generation.
 *
 * A tls.Server that does not listen makes the handshakes: sockets are given to it by its 'connection' event, as
 * documented, and only it says whether a client certificate is valid. Its events deliver a TLSSocket that it has
 * created. The connection to which that belongs is found by its addresses, because no two open sockets share all of
 * them. Unix sockets have no addresses, so each of their handshakes has a server of its own, which is reused.
 *
 * If there are several certificates, each choice has its own server, and the ClientHello is read first to make the
 * choice. Node's SNICallback does not suffice: Node uses only one certificate of the context that it gets, and keeps
 * those of the server that have another key type. A client might then get such a certificate under a name for which it
 * is not valid.
 *
 *     accept ──> Handshake ─┬─ secureConnection ─────────> done(null, connection)
 *                           ├─ tlsClientError ───────────> done(error, null)
 *                           ├─ the raw socket closes ────> done(error, null)
 *                           └─ its deadline, abort ──────> done(error, null), the raw socket is destroyed
 */
export class TlsAcceptor {
  private readonly settings: TlsSettings;
  private readonly deadlines: Deadlines;
  private readonly choice: CertificateChoice;
  /** Created when first needed. */
  private readonly servers = new Map<CertificateGroup, Server>();
  /** Idle servers for peers without an address. */
  private readonly idle = new Map<CertificateGroup, Server[]>();
  private readonly underWay = new Set<Handshake>();
  private readonly byAddress = new Map<string, Handshake>();
  private readonly byServer = new Map<Server, Handshake>();

  /** @throws Error of OpenSSL for a certificate or key that it does not accept */
  constructor(settings: TlsSettings, deadlines: Deadlines) {
    this.settings = settings;
    this.deadlines = deadlines;
    this.choice = new CertificateChoice(settings.certificates);
    this.servers.set(this.choice.first, this.createServer(this.choice.first));
  }

  /**
   * Takes a connection over and makes the handshake on it.
   * @param unread bytes that were already read: the beginning of the ClientHello
   */
  accept(connection: Connection, unread: Buffer, done: TlsDone): TlsHandshake {
    const handshake = new Handshake(connection, this, done);
    if (this.underWay.size >= MAX_HANDSHAKES && !this.makeRoom()) {
      handshake.abort(new ProxyError('tls_handshake', `more than ${MAX_HANDSHAKES} handshakes are in progress`));
      return handshake;
    }
    this.underWay.add(handshake);
    this.deadlines.set(handshake.deadline, this.settings.handshakeTimeout);
    connection.expect(0);
    if (!this.choice.several) {
      this.begin(handshake, this.choice.first, unread);
      return handshake;
    }
    const reading = new HelloReading(connection, (error, serverName, bytes) => {
      if (error === null) this.begin(handshake, this.choice.find(serverName), bytes);
      else handshake.fail(error, true);
    });
    reading.onData(unread, 0, unread.length);
    return handshake;
  }

  /** @returns whether a slow handshake was ended */
  private makeRoom(): boolean {
    const [oldest] = this.underWay;
    if (oldest === undefined || performance.now() - oldest.began < SLOW_HANDSHAKE_MS) return false;
    oldest.abort(new ProxyError('tls_handshake', `the handshake was slow while ${MAX_HANDSHAKES} were in progress`));
    return true;
  }

  /** @internal */
  createDeadline(handshake: Handshake): Deadline {
    return this.deadlines.create(() => {
      const { handshakeTimeout } = this.settings;
      handshake.abort(new ProxyError('tls_handshake', `the handshake was not complete within ${handshakeTimeout} ms`));
    });
  }

  /** @internal */
  hurry({ deadline }: Handshake, milliseconds: number): void {
    const { handshakeTimeout } = this.settings;
    this.deadlines.set(deadline, handshakeTimeout === 0 ? milliseconds : Math.min(milliseconds, handshakeTimeout));
  }

  /** @internal A handshake is over. If it is `clean`, the server has no further event for it. */
  ended(handshake: Handshake, clean: boolean): void {
    this.deadlines.remove(handshake.deadline);
    this.underWay.delete(handshake);
    const { address, own } = handshake;
    if (this.byAddress.get(address) === handshake) this.byAddress.delete(address);
    if (own === null) return;
    this.byServer.delete(own.server);
    // A late event would be attributed to the next handshake of this server.
    if (!clean) return;
    const idle = this.idle.get(own.group) ?? [];
    idle.push(own.server);
    this.idle.set(own.group, idle);
  }

  private begin(handshake: Handshake, group: CertificateGroup, bytes: Buffer): void {
    const socket = handshake.begin(bytes);
    if (socket !== null) this.serverFor(handshake, group).emit('connection', socket);
  }

  private serverFor(handshake: Handshake, group: CertificateGroup): Server {
    if (handshake.address !== '') {
      this.byAddress.set(handshake.address, handshake);
      const server = this.servers.get(group) ?? this.createServer(group);
      this.servers.set(group, server);
      return server;
    }
    const server = this.idle.get(group)?.pop() ?? this.createServer(group);
    this.byServer.set(server, handshake);
    handshake.own = { server, group };
    return server;
  }

  private createServer(group: CertificateGroup): Server {
    const { settings } = this;
    const server = createServer({
      ...contextOptions(group, settings),
      ALPNProtocols: settings.h2 ? ['h2', 'http/1.1'] : ['http/1.1'],
      handshakeTimeout: NODE_HANDSHAKE_TIMEOUT_MS,
      requestCert: settings.clientCa !== null,
      rejectUnauthorized: settings.clientCa !== null && settings.clientRequired,
    });
    server.on('secureConnection', (socket) => this.serverOnSecure(server, socket));
    server.on('tlsClientError', (error, socket) => this.find(server, socket)?.fail(handshakeError(error), true));
    return server;
  }

  private find(server: Server, socket: TLSSocket): Handshake | undefined {
    return this.byServer.get(server) ?? this.byAddress.get(addressKey(socket));
  }

  private serverOnSecure(server: Server, socket: TLSSocket): void {
    const handshake = this.find(server, socket);
    // The peer has reset the connection in the meantime, and the socket has lost its address.
    if (handshake === undefined) return void socket.destroy();
    const client = clientOf(socket);
    const refusal = this.refusalOf(socket, client);
    if (refusal !== null) {
      handshake.fail(new ProxyError('tls_handshake', refusal), true);
      return void socket.destroy();
    }
    const { servername, alpnProtocol } = socket as TLSSocket & { readonly servername?: string | false };
    const facts = {
      serverName: servername ? normalServerName(servername) : null,
      alpn: alpnProtocol === false ? null : alpnProtocol,
      client: socket.authorized ? client : null,
    };
    socket.allowHalfOpen = true;
    const connection = new Connection(socket, this.deadlines, IDLE_HANDLER, null, facts, handshake.carrier ?? socket);
    connection.succeed(handshake.plain);
    handshake.succeed(connection);
  }

  /** The reason why the certificate of a client, or the lack of one, ends the connection; null if it does not. */
  private refusalOf(socket: TLSSocket, client: ClientCertificate | null): string | null {
    if (this.settings.clientCa === null) return null;
    // Node reports a resumed session without a certificate as authorized.
    if (client === null) return this.settings.clientRequired ? 'the client has sent no certificate' : null;
    if (socket.authorized) return null;
    return `the client's certificate is not valid: ${String(socket.authorizationError)}`;
  }
}

/** One handshake, from taking over the plain connection to the call of `done`. */
class Handshake implements TlsHandshake {
  readonly plain: Connection;
  /** The start, by `performance.now()`. */
  readonly began = performance.now();
  /** The key that identifies its socket; empty for a unix socket, and before it begins. */
  address = '';
  readonly deadline: Deadline;
  /** The server that serves only this handshake; null if it shares one. */
  own: { readonly server: Server; readonly group: CertificateGroup } | null = null;
  /** The plain socket; null before the handshake begins. */
  carrier: Socket | null = null;
  private readonly acceptor: TlsAcceptor;
  private readonly done: TlsDone;
  private readonly onClose: () => void;
  private over = false;

  constructor(plain: Connection, acceptor: TlsAcceptor, done: TlsDone) {
    this.plain = plain;
    this.acceptor = acceptor;
    this.done = done;
    this.deadline = acceptor.createDeadline(this);
    this.onClose = () =>
      this.fail(new ProxyError('tls_handshake', 'the connection closed during the handshake'), false);
  }

  /** Takes the socket, with the bytes that were already read; returns null if the handshake is already over. */
  begin(unread: Buffer): Socket | null {
    if (this.over) return null;
    const socket = this.plain.release(unread);
    // A client that ends its side during the handshake has left. The TLSSocket above does the same as this socket.
    socket.allowHalfOpen = false;
    this.carrier = socket;
    this.address = addressKey(socket);
    socket.on('close', this.onClose);
    socket.on('error', ignoreError);
    return socket;
  }

  succeed(connection: Connection): void {
    if (this.end(true)) this.done(null, connection);
    else connection.destroy();
  }

  /** @param clean whether the server has no further event for this handshake */
  fail(error: ProxyError, clean: boolean): void {
    if (this.end(clean)) this.done(error, null);
  }

  abort(error: ProxyError): void {
    if (!this.end(false)) return;
    if (this.carrier === null) this.plain.destroy();
    else this.carrier.destroy();
    this.done(error, null);
  }

  hurry(milliseconds: number): void {
    if (!this.over) this.acceptor.hurry(this, milliseconds);
  }

  private end(clean: boolean): boolean {
    if (this.over) return false;
    this.over = true;
    this.carrier?.removeListener('close', this.onClose);
    this.acceptor.ended(this, clean);
    return true;
  }
}

/**
 * The TLSSocket above reports every relevant error. Without a listener on this socket, an error would end the process.
 */
function ignoreError(): void {}

/** The addresses of both ends of a TCP connection; empty for other sockets. */
function addressKey(socket: Socket): string {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (localAddress === undefined) return '';
  return `${remoteAddress ?? ''} ${remotePort ?? 0} ${localAddress} ${localPort ?? 0}`;
}

function clientOf(socket: TLSSocket): ClientCertificate | null {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return null;
  return {
    subject: certificate.subject.split('\n').toReversed().join(','),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function handshakeError(cause: Error & { readonly reason?: string }): ProxyError {
  return new ProxyError('tls_handshake', cause.reason ?? cause.message, { cause });
}
