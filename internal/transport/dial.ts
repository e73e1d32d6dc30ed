import { isIP, type NetConnectOpts, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, TLSSocket } from 'node:tls';
import { type Deadline, type Deadlines, type ErrorCode, ProxyError } from '../base/index.ts';
import type { LookupWaiter, Resolver } from '../resolver/index.ts';
import { ConnectRace, type RaceOwner } from './connect-race.ts';
import { Connection } from './connection.ts';
import { descriptors } from './descriptors.ts';
import { IDLE_HANDLER } from './connection-handler.ts';
import type { Network } from './network.ts';
import type { TlsFacts } from './tls-facts.ts';
import { type DialTls, dialTlsId, upstreamContext, UpstreamSessions } from './upstream-context.ts';

/** The address of an upstream. */
export type DialAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface DialOptions {
  /** Milliseconds for the TCP connection. */
  readonly timeout: number;
  /** Milliseconds for the TLS handshake. */
  readonly tlsTimeout: number;
  /** Milliseconds between TCP keep-alive probes. */
  readonly keepAlive: number;
  /** Largest number of bytes in a read; 0 for a connection that is released as soon as it is made. */
  readonly readBufferSize: number;
  readonly writeBufferSize: number;
  readonly tls: DialTls | null;
  /** Protocols to offer in the TLS handshake (ALPN, RFC 7301), in order of preference; HTTP/1.1 by default. */
  readonly alpn?: readonly string[];
  /** Bytes that are sent before everything else, TLS included: a PROXY header. */
  readonly opening?: Buffer | null;
}

/** Called once with the result of a dial. */
export type DialDone = (error: ProxyError | null, connection: Connection | null) => void;

/** A dial in progress. */
export interface Dialing {
  /** Cancels the dial; `done` is not called any more. */
  cancel(): void;
}

/** Offered in TLS handshakes by default. */
const HTTP1: readonly string[] = ['http/1.1'];

/** The resources that all dials of a process share. */
export interface DialContext {
  readonly deadlines: Deadlines;
  readonly network: Network;
  readonly resolver: Resolver;
}

/** Connects to an upstream. The connection reuses one read buffer of its own, if this version of Node allows it. */
export function dial(address: DialAddress, options: DialOptions, context: DialContext, done: DialDone): Dialing {
  if (!descriptors.mayDial && !descriptors.relieve()) return refuse(address, done);
  const attempt = new Dial(address, options, context, done);
  attempt.start();
  return attempt;
}

/**
 *     resolving ──> connecting ──> handshake ──> over
 *         └──────────────┴─────────────┴──failed, cancelled──> over
 *
 * An IP address and a unix socket need no resolving. One deadline limits resolving and connecting together, another one
 * the handshake.
 */
class Dial implements Dialing, LookupWaiter, RaceOwner {
  private readonly address: DialAddress;
  private readonly options: DialOptions;
  private readonly context: DialContext;
  private readonly done: DialDone;
  private readonly deadline: Deadline;
  private readonly reads: DialedReads | null;
  private step: 'resolving' | 'connecting' | 'handshake' | 'over' = 'resolving';
  private race: ConnectRace | null = null;
  /** The socket, after it has connected. */
  private socket: Socket | null = null;
  /** The same socket below TLS. */
  private plain: Socket | null = null;
  private dialed = '';
  /** Whether the addresses of the name were not known at once. */
  private waited = false;

  constructor(address: DialAddress, options: DialOptions, context: DialContext, done: DialDone) {
    this.address = address;
    this.options = options;
    this.context = context;
    this.done = done;
    this.deadline = context.deadlines.create(() => this.fail(this.timeoutError()));
    // If Node allows it, the socket reads into a buffer of prox again and again, so that a read allocates nothing.
    const ownsBuffer = options.tls === null && options.readBufferSize > 0;
    this.reads = ownsBuffer ? new DialedReads(options.readBufferSize) : null;
  }

  start(): void {
    const { address, context, options } = this;
    context.deadlines.set(this.deadline, options.timeout);
    if (address.kind === 'unix' || isIP(address.host) !== 0) return this.connect(NOT_RESOLVED);
    const known = context.resolver.lookup(address.host, this);
    // The caller must not be called before `dial` has returned.
    if (known instanceof Error) process.nextTick(() => this.onLookupFailed(known));
    else if (known !== null) this.onAddresses(known);
    else this.waited = true;
  }

  cancel(): void {
    this.end();
  }

  onAddresses(addresses: readonly string[]): void {
    if (this.step !== 'resolving') return;
    // All dials that waited for the name continue in the same turn, so the budget that each has checked before may be
    // used up.
    if (this.waited && !descriptors.mayDial && !descriptors.relieve()) {
      this.fail(usedUp(this.address));
      return;
    }
    // Node would look up a text that is not an address again, and with a thread.
    const usable = this.context.resolver.order(addresses).filter((address) => isIP(address) !== 0);
    if (usable.length === 0) process.nextTick(() => this.onLookupFailed(new Error('the name has no usable address')));
    else this.connect(usable);
  }

  onLookupFailed(error: Error): void {
    this.fail(dialError(this.address, error, 'dial_failed'));
  }

  connectTo(host: string): Socket {
    const { address } = this;
    const target =
      address.kind === 'unix' ? { path: address.path } : { host: host || address.host, port: address.port };
    return this.connectPlain(target);
  }

  onConnected(socket: Socket, dialed: string): void {
    const { address, context, options } = this;
    this.socket = socket;
    this.plain = socket;
    this.dialed = dialed;
    if (options.opening) socket.write(options.opening);
    if (options.tls === null) return this.succeed(socket);
    this.step = 'handshake';
    socket.on('error', this.onError);
    context.deadlines.set(this.deadline, options.tlsTimeout);
    try {
      const secured = secure(socket, address, options.tls, options.alpn ?? HTTP1);
      this.socket = secured;
      secured.on('error', this.onError);
      secured.once('secureConnect', () => this.succeed(secured));
    } catch (error) {
      this.onError(error as Error);
    }
  }

  onNotConnected(error: Error): void {
    this.fail(dialError(this.address, error, 'dial_failed'));
  }

  private connect(addresses: readonly string[]): void {
    this.step = 'connecting';
    this.race = new ConnectRace(addresses, this.context.deadlines, this);
    this.race.start();
  }

  private connectPlain(target: NetConnectOpts): Socket {
    const { context, options, reads } = this;
    const common = {
      ...target,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: options.keepAlive > 0,
      keepAliveInitialDelay: options.keepAlive,
      highWaterMark: options.writeBufferSize,
    };
    const onread = reads === null ? {} : { onread: { buffer: reads.buffer, callback: reads.callback } };
    return counted(context.network.connect({ ...common, ...onread }));
  }

  private readonly onError = (error: Error): void => {
    this.fail(dialError(this.address, error, 'upstream_tls'));
  };

  private succeed(socket: Socket): void {
    if (this.step === 'over') return;
    this.step = 'over';
    const { deadlines } = this.context;
    deadlines.remove(this.deadline);
    socket.removeListener('error', this.onError);
    const facts = socket instanceof TLSSocket ? factsOf(socket) : null;
    const connection = new Connection(
      socket,
      deadlines,
      IDLE_HANDLER,
      this.reads?.first ?? null,
      facts,
      this.plain ?? socket,
    );
    connection.dialed = this.dialed;
    if (this.reads !== null) this.reads.connection = connection;
    this.done(null, connection);
  }

  private fail(error: ProxyError): void {
    if (this.end()) this.done(error, null);
  }

  /** @returns false if the dial was already over */
  private end(): boolean {
    const { address, context, step } = this;
    if (step === 'over') return false;
    this.step = 'over';
    context.deadlines.remove(this.deadline);
    if (step === 'resolving' && address.kind === 'tcp') context.resolver.leave(address.host, this);
    this.race?.cancel();
    this.socket?.destroy();
    return true;
  }

  private timeoutError(): ProxyError {
    const { address, options, step } = this;
    if (step === 'handshake') {
      return dialError(address, new Error(`no TLS handshake within ${options.tlsTimeout} ms`), 'upstream_tls');
    }
    const what = step === 'resolving' ? 'no answer of the DNS' : 'no connection';
    return dialError(address, new Error(`${what} within ${options.timeout} ms`), 'dial_timeout');
  }
}

/** One attempt, with the address as it is written. */
const NOT_RESOLVED: readonly string[] = [''];

/**
 * The read buffer of a dialed socket. Sockets of the same race share it: only the one that has connected reads, and the
 * others are closed by then.
 */
class DialedReads {
  readonly first: Buffer;
  connection: Connection | null = null;

  constructor(size: number) {
    this.first = Buffer.allocUnsafeSlow(size);
  }

  readonly buffer = (): Buffer => this.connection?.nextReadBuffer(this.first.length) ?? this.first;

  readonly callback = (length: number, buffer: Uint8Array): boolean => {
    this.connection?.socketOnData(buffer as Buffer, length);
    return true;
  };
}

function socketOnClose(): void {
  descriptors.dialed--;
}

/** Fails the dial after the caller has received it. */
function refuse(address: DialAddress, done: DialDone): Dialing {
  const timer = setImmediate(() => done(usedUp(address), null));
  return { cancel: () => clearImmediate(timer) };
}

function usedUp(address: DialAddress): ProxyError {
  const cause = new Error(`all ${descriptors.limit} file descriptors of the process are in use`);
  return dialError(address, cause, 'dial_failed');
}

function counted(socket: Socket): Socket {
  descriptors.dialed++;
  return socket.once('close', socketOnClose);
}

/** TLS sessions that can be resumed, of all upstreams of the process. */
const sessions = new UpstreamSessions();

/** Begins the handshake. @throws Error of OpenSSL if it does not accept a certificate */
function secure(socket: Socket, address: DialAddress, tls: DialTls, alpn: readonly string[]): TLSSocket {
  const peer = `${addressText(address)} ${dialTlsId(tls)} ${alpn.join(' ')}`;
  const session = sessions.get(peer);
  const secured = connectTls({
    ...tlsOptions(address, tls, alpn),
    secureContext: upstreamContext(tls),
    socket,
    ...(session === undefined ? {} : { session }),
  });
  // With TLS 1.3, tickets arrive after the handshake.
  secured.on('session', (ticket) => sessions.keep(peer, ticket));
  secured.once('error', () => sessions.forget(peer));
  return secured;
}

/** The result of the handshake; the caller of `dial` knows the rest. */
function factsOf(socket: TLSSocket): TlsFacts {
  const alpn = socket.alpnProtocol;
  return { serverName: null, alpn: typeof alpn === 'string' ? alpn : null, client: null };
}

function tlsOptions(address: DialAddress, tls: DialTls, alpn: readonly string[]): ConnectionOptions {
  const host = address.kind === 'tcp' ? address.host : 'localhost';
  const name = tls.serverName ?? host;
  return {
    // RFC 6066 §3: an IP address is not sent as a server name.
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ALPNProtocols: [...alpn],
    rejectUnauthorized: !tls.insecure,
  };
}

/** `host:port` or the path of the unix socket, for messages and logs. */
export function addressText(address: DialAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

function dialError(address: DialAddress, cause: Error, code: ErrorCode): ProxyError {
  const upstream = addressText(address);
  return new ProxyError(code, `${upstream}: ${cause.message}`, { cause, retryable: true, upstream });
}
