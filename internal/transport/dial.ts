import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, TLSSocket } from 'node:tls';
import { type Deadlines, ProxyError } from '../base/index.ts';
import { Connection } from './connection.ts';
import { NOBODY } from './nobody.ts';
import type { TlsFacts } from './tls-facts.ts';
import { type DialTls, dialTlsId, upstreamContext, UpstreamSessions } from './upstream-context.ts';

/** Where to connect to. */
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
  /** Bytes that a read may bring; 0 for a connection that is released as soon as it is made. */
  readonly readBufferSize: number;
  readonly writeBufferSize: number;
  readonly tls: DialTls | null;
  /** Protocols to offer in the TLS handshake (ALPN, RFC 7301), the preferred one first; HTTP/1.1 when left out. */
  readonly alpn?: readonly string[];
  /** What is sent first of all, before TLS: a PROXY header. */
  readonly opening?: Buffer | null;
}

/** Told once how a dial ended. */
export type DialDone = (error: ProxyError | null, connection: Connection | null) => void;

/** A dial under way. */
export interface Dialing {
  /** Gives up; `done` is not called any more. */
  cancel(): void;
}

/** Offered in TLS handshakes when nothing else is asked for. */
const HTTP1: readonly string[] = ['http/1.1'];

/** Connects to an upstream. The connection reads into one buffer of its own, again and again, where Node lets it. */
export function dial(address: DialAddress, options: DialOptions, deadlines: Deadlines, done: DialDone): Dialing {
  let open: Connection | null = null;
  let over = false;
  // Where Node lets us, the socket reads into memory of ours, again and again: nothing is allocated for a read.
  const ownsBuffer = options.tls === null && options.readBufferSize > 0;
  const readBuffer = ownsBuffer ? Buffer.allocUnsafeSlow(options.readBufferSize) : null;
  const socket = connectPlain(address, options, readBuffer, () => open);
  let current: Socket = socket;

  const deadline = deadlines.create(() => fail(timeoutError(address, options, current !== socket)));
  deadlines.set(deadline, options.timeout);

  const fail = (error: ProxyError): void => {
    if (over) return;
    over = true;
    deadlines.remove(deadline);
    current.destroy();
    done(error, null);
  };
  const succeed = (): void => {
    if (over) return;
    over = true;
    deadlines.remove(deadline);
    current.removeListener('error', onError);
    open = new Connection(
      current,
      deadlines,
      NOBODY,
      readBuffer,
      current instanceof TLSSocket ? factsOf(current) : null,
      socket,
    );
    done(null, open);
  };
  const onError = (error: Error): void => fail(dialError(address, error, current !== socket));

  socket.on('error', onError);
  socket.once('connect', () => {
    if (options.opening) socket.write(options.opening);
    if (options.tls === null) return succeed();
    deadlines.set(deadline, options.tlsTimeout);
    try {
      current = secure(socket, address, options.tls, options.alpn ?? HTTP1);
    } catch (error) {
      return onError(error as Error);
    }
    current.on('error', onError);
    current.once('secureConnect', succeed);
  });
  return {
    cancel() {
      if (over) return;
      over = true;
      deadlines.remove(deadline);
      current.destroy();
    },
  };
}

function connectPlain(
  address: DialAddress,
  options: DialOptions,
  readBuffer: Buffer | null,
  connection: () => Connection | null,
): Socket {
  const target = address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
  const common = {
    ...target,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: options.keepAlive > 0,
    keepAliveInitialDelay: options.keepAlive,
    highWaterMark: options.writeBufferSize,
  };
  if (readBuffer === null) return connectTcp(common);
  return connectTcp({
    ...common,
    onread: {
      buffer: () => connection()?.nextReadBuffer(options.readBufferSize) ?? readBuffer,
      callback: (length: number, buffer: Uint8Array) => {
        connection()?.socketOnData(buffer as Buffer, length);
        return true;
      },
    },
  });
}

/** Sessions to resume, of all upstreams of the process. */
const sessions = new UpstreamSessions();

/** Begins the handshake. @throws Error of OpenSSL when it does not take a certificate */
function secure(socket: Socket, address: DialAddress, tls: DialTls, alpn: readonly string[]): TLSSocket {
  const peer = `${addressText(address)} ${dialTlsId(tls)} ${alpn.join(' ')}`;
  const session = sessions.get(peer);
  const secured = connectTls({
    ...tlsOptions(address, tls, alpn),
    secureContext: upstreamContext(tls),
    socket,
    ...(session === undefined ? {} : { session }),
  });
  // With TLS 1.3 tickets come behind the handshake.
  secured.on('session', (ticket) => sessions.keep(peer, ticket));
  secured.once('error', () => sessions.forget(peer));
  return secured;
}

/** What the handshake has agreed on; the rest is known to whoever has dialed. */
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

function timeoutError(address: DialAddress, options: DialOptions, inTls: boolean): ProxyError {
  const what = inTls
    ? `no TLS handshake within ${options.tlsTimeout} ms`
    : `no connection within ${options.timeout} ms`;
  return new ProxyError(inTls ? 'upstream_tls' : 'dial_timeout', `${addressText(address)}: ${what}`, {
    retryable: true,
  });
}

function dialError(address: DialAddress, cause: Error, inTls: boolean): ProxyError {
  const code = inTls ? 'upstream_tls' : 'dial_failed';
  return new ProxyError(code, `${addressText(address)}: ${cause.message}`, { cause, retryable: true });
}
