import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { type Deadline, type Deadlines, ProxyError } from '../base/index.ts';
import { Connection } from './connection.ts';
import { HelloReading } from './hello-reading.ts';
import { IDLE_HANDLER } from './idle-handler.ts';
import {
  CertificateChoice,
  type CertificateGroup,
  contextOptions,
  normalServerName,
  type TlsCertificate,
  type TlsContextSettings,
} from './tls-context.ts';
import type { ClientCertificate } from './tls-facts.ts';

/** How a service terminates TLS. */
export interface TlsSettings extends TlsContextSettings {
  /** In the order of the config, one at least; the first answers clients whose name none is for. */
  readonly certificates: readonly TlsCertificate[];
  /** Offer HTTP/2 by ALPN. */
  readonly h2: boolean;
  /** Whether a client without a valid certificate is refused, rather than one with an invalid certificate alone. */
  readonly clientRequired: boolean;
  /** Milliseconds for the handshake; 0 = none. */
  readonly handshakeTimeout: number;
}

/** Told once how a handshake ended: an error, or the connection behind it. */
export type TlsDone = (error: ProxyError | null, connection: Connection | null) => void;

/** A handshake under way. */
export interface TlsHandshake {
  /** Ends it: the connection is closed, and `done` is told. Does nothing to one that is over. */
  abort(error: ProxyError): void;
  /** Leaves it no more than `milliseconds` from now. */
  hurry(milliseconds: number): void;
}

/**
 * Handshakes at a time. Each takes about 60 kB, so all of them 120 MB: what a herd of clients that come back after an
 * outage needs, while those who connect and say no more cannot take all memory. Then the next one takes the place of the
 * oldest, if that is slow, or is closed.
 */
const MAX_HANDSHAKES = 2048;

/**
 * Milliseconds after which a handshake is slow, and gives way when there are too many: two round trips around the world,
 * so that those who say no more shut nobody out. Younger ones wait for prox, and would come back if they were closed.
 */
const SLOW_HANDSHAKE_MS = 1000;

/** Node's own timer starts again at every byte; ours does not, and is the one that counts. */
const NODE_HANDSHAKE_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Terminates TLS on connections that were accepted as plain ones. One serves all connections of a generation.
 *
 * The handshakes are those of a tls.Server that listens nowhere: sockets are handed to it by its 'connection' event,
 * as the documentation has it, and it alone says whether a client certificate is valid. Its events come with a
 * TLSSocket of its own making. Which connection that belongs to is told by its addresses, of which no two open
 * sockets share all. Unix sockets have none, so each of their handshakes has a server to itself, which is used again.
 *
 * Where there are certificates to choose from, each choice has a server too, and the ClientHello is read first to find
 * it. Node's SNICallback will not do: of the context that it is given Node takes a single certificate, and leaves those of
 * the server that are of another key type in place, which a client may then get under a name that is not theirs.
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
  /** Made when they are first needed. */
  private readonly servers = new Map<CertificateGroup, Server>();
  /** Servers for peers without an address that have nothing to do. */
  private readonly idle = new Map<CertificateGroup, Server[]>();
  private readonly underWay = new Set<Handshake>();
  private readonly byAddress = new Map<string, Handshake>();
  private readonly byServer = new Map<Server, Handshake>();

  /** @throws Error of OpenSSL for a certificate or key that it does not take */
  constructor(settings: TlsSettings, deadlines: Deadlines) {
    this.settings = settings;
    this.deadlines = deadlines;
    this.choice = new CertificateChoice(settings.certificates);
    this.servers.set(this.choice.first, this.createServer(this.choice.first));
  }

  /**
   * Takes a connection over and does the handshake on it.
   * @param unread what was read of it already: the begin of the ClientHello
   */
  accept(connection: Connection, unread: Buffer, done: TlsDone): TlsHandshake {
    const handshake = new Handshake(connection, this, done);
    if (this.underWay.size >= MAX_HANDSHAKES && !this.makeRoom()) {
      handshake.abort(new ProxyError('tls_handshake', `more than ${MAX_HANDSHAKES} handshakes are under way`));
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

  /** @returns whether there was a handshake that had to give way */
  private makeRoom(): boolean {
    const [oldest] = this.underWay;
    if (oldest === undefined || performance.now() - oldest.began < SLOW_HANDSHAKE_MS) return false;
    oldest.abort(new ProxyError('tls_handshake', `slow, while ${MAX_HANDSHAKES} handshakes are under way`));
    return true;
  }

  /** @internal */
  createDeadline(handshake: Handshake): Deadline {
    return this.deadlines.create(() => {
      const { handshakeTimeout } = this.settings;
      handshake.abort(new ProxyError('tls_handshake', `the handshake was not over within its ${handshakeTimeout} ms`));
    });
  }

  /** @internal */
  hurry({ deadline }: Handshake, milliseconds: number): void {
    const { handshakeTimeout } = this.settings;
    this.deadlines.set(deadline, handshakeTimeout === 0 ? milliseconds : Math.min(milliseconds, handshakeTimeout));
  }

  /** @internal A handshake is over, and nothing of the server comes for it any more if it is `clean`. */
  ended(handshake: Handshake, clean: boolean): void {
    this.deadlines.remove(handshake.deadline);
    this.underWay.delete(handshake);
    const { address, own } = handshake;
    if (this.byAddress.get(address) === handshake) this.byAddress.delete(address);
    if (own === null) return;
    this.byServer.delete(own.server);
    // An event that is still to come would be taken for one of the next handshake.
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
    // The peer has reset the connection meanwhile, and took its address with it.
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

  /** Why a client certificate, or that there is none, ends the connection; null when it does not. */
  private refusalOf(socket: TLSSocket, client: ClientCertificate | null): string | null {
    if (this.settings.clientCa === null) return null;
    // Node calls a resumed session without a certificate authorized.
    if (client === null) return this.settings.clientRequired ? 'the client has sent no certificate' : null;
    if (socket.authorized) return null;
    return `the client's certificate is not valid: ${String(socket.authorizationError)}`;
  }
}

/** One handshake, from the hand-over of the plain connection to the end that `done` is told of. */
class Handshake implements TlsHandshake {
  readonly plain: Connection;
  /** As `performance.now()`. */
  readonly began = performance.now();
  /** What tells its socket from all others; empty on a unix socket, and until it begins. */
  address = '';
  readonly deadline: Deadline;
  /** The server that it has to itself; null when it is one of many. */
  own: { readonly server: Server; readonly group: CertificateGroup } | null = null;
  /** The socket that it takes place on; null until it begins. */
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
    this.onClose = () => this.fail(new ProxyError('tls_handshake', 'the connection closed in the handshake'), false);
  }

  /** Takes the socket, with what was read of it; null when the handshake is over already. */
  begin(unread: Buffer): Socket | null {
    if (this.over) return null;
    const socket = this.plain.release(unread);
    // A client that ends its side before the handshake is over is gone: the TLSSocket over it does as this one does.
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

  /** @param clean whether the server has said its last word on it */
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

/** The TLSSocket over it tells of every error that matters; without a listener they would end the process. */
function ignoreError(): void {}

/** Both ends of a TCP connection; empty when it is none. */
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
