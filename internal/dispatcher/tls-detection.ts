import { ProxyError } from '../base/index.ts';
import { Http1Session, Http2Session, type SessionSlot } from '../downstream/index.ts';
import { normalizeHost } from '../router/index.ts';
import { ClientHelloReader } from '../tlshello/index.ts';
import type { Connection, TlsHandshake } from '../transport/index.ts';
import { FirstBytes } from './first-bytes.ts';
import { PlainDetection } from './plain-detection.ts';
import { PlainRefusal } from './plain-refusal.ts';
import { ProtocolDetection } from './protocol-detection.ts';
import { RelaySession } from './relay-session.ts';

/** The content type of the first record of every TLS connection: handshake (RFC 8446 §5.1). */
const HANDSHAKE_RECORD = 0x16;

/** Milliseconds for the whole ClientHello. Clients send it in one flight, so only packet loss makes it slow. */
const HELLO_TIMEOUT_MS = 5000;

/** Milliseconds for the rest of a handshake when the listener closes: two round trips around the world. */
const DRAINING_HANDSHAKE_MS = 1000;

/**
 * The beginning of a connection to a TLS listener, or to a plain one with pass routes.
 *
 *     first byte ─┬─ no TLS ─────────────────────────> 400; HTTP on a plain listener
 *                 ├─ no route needs the name ────────> TLS
 *                 └─ ClientHello ─ server name ─┬─ pass, drop decided ──> RelaySession
 *                                               └─ anything else ───────> TLS; closed if there is no certificate
 */
export class TlsDetection extends ProtocolDetection {
  private hello: ClientHelloReader | null = null;
  /** The bytes of the ClientHello so far, for the next reader. */
  private readonly first = new FirstBytes();
  /** Whether the ClientHello is complete and the filters of the service are being asked about it. */
  private asked = false;
  /** Set during the handshake. */
  private handshake: TlsHandshake | null = null;
  /**
   * Milliseconds for the handshake, counted from the connection on; on listeners whose clients need not speak TLS, the
   * time for any first bytes.
   */
  private readonly timeout: number;
  /** The start, by `performance.now()`. */
  private readonly began = performance.now();

  constructor(connection: Connection, slot: SessionSlot) {
    super(connection, slot);
    const { limits, peeks, plain } = slot.current;
    this.timeout = plain ? limits.headerTimeout : limits.tlsHandshakeTimeout;
    connection.expect(peeks ? Math.min(HELLO_TIMEOUT_MS, this.timeout) : this.timeout);
  }

  onData(buffer: Buffer, start: number, end: number): void {
    const { current } = this.slot;
    if (this.hello === null) {
      if (buffer[start] !== HANDSHAKE_RECORD) return this.refuseOrServe(buffer, start, end);
      // Filters are asked again when the server name is known.
      if (!current.peeks && current.onConnection === null)
        return this.terminate(Buffer.from(buffer.subarray(start, end)));
      this.hello = new ClientHelloReader();
    }
    this.first.add(buffer, start, end);
    if (this.asked) return;
    let serverName: string | null;
    try {
      const hello = this.hello.feed(buffer, start, end);
      if (hello === null) return;
      serverName = hello.serverName;
    } catch (error) {
      return this.refuse(error);
    }
    this.asked = true;
    const host = normalizeHost(serverName ?? '');
    this.admit(host, () => this.decide(host));
  }

  override onDeadline(): void {
    if (this.hello !== null) {
      const text = `the ClientHello was not complete within ${Math.min(HELLO_TIMEOUT_MS, this.timeout)} ms`;
      return this.refuse(new ProxyError('bad_client_hello', text));
    }
    if (this.slot.current.plain) return super.onDeadline();
    this.refuse(
      new ProxyError('tls_handshake', `the client did not begin the TLS handshake within ${this.timeout} ms`),
    );
  }

  override drain(): void {
    // A handshake that is nearly complete may finish; the session that follows knows that it must drain.
    if (this.handshake === null) super.drain();
    else this.handshake.hurry(DRAINING_HANDSHAKE_MS);
  }

  override kill(): void {
    if (this.handshake === null) super.kill();
    else
      this.handshake.abort(
        new ProxyError('shutting_down', 'prox is stopping, and the TLS handshake was not complete in time'),
      );
  }

  /** The first route that matches the name decides. */
  private decide(host: string): void {
    const { connection, slot } = this;
    const found = slot.current.matchHost(host);
    const relay = found !== null && found.decided ? found.value.action.relay : undefined;
    if (relay === undefined && slot.current.tls !== null) return this.terminate(this.first.bytes);
    const route = relay === undefined ? slot.current.unrouted : (found?.value ?? slot.current.unrouted);
    const session = new RelaySession(connection, this.first.bytes, host, route, slot);
    this.leave();
    if (relay !== undefined) return relay.take(session);
    connection.destroy();
    session.over(
      new ProxyError(
        'no_route',
        `no route relays ${JSON.stringify(host)}, and the service has no certificate to terminate TLS`,
      ),
    );
  }

  private terminate(bytes: Buffer): void {
    const { connection, slot } = this;
    const { tls } = slot.current;
    if (tls === null) return connection.destroy();
    const client = connection.remoteAddress;
    this.handshake = tls.accept(connection, bytes, (error, secured) => {
      // The end of a handshake belongs to no connection, so nothing else catches an exception here.
      try {
        if (secured !== null) this.begin(secured);
        else slot.current.connectionRefused(client, error as ProxyError);
      } catch (thrown) {
        secured?.destroy();
        slot.current.sessionBroken(client, ProxyError.from(thrown));
      }
      this.leave();
    });
    if (!slot.current.plain) this.handshake.hurry(Math.max(1, this.timeout - (performance.now() - this.began)));
    if (slot.draining) this.handshake.hurry(DRAINING_HANDSHAKE_MS);
  }

  private begin(secured: Connection): void {
    const { slot } = this;
    if (secured.tls?.alpn === 'h2') Http2Session.serve(secured, null, slot);
    else secured.handler = new Http1Session(secured, slot, true);
  }

  private refuseOrServe(buffer: Buffer, start: number, end: number): void {
    const { connection, slot } = this;
    if (slot.current.plain) {
      const begin = new PlainDetection(connection, slot);
      connection.handler = begin;
      this.leave();
      return begin.onData(buffer, start, end);
    }
    const error = new ProxyError('not_tls', 'the connection does not begin with TLS');
    if (!beginsMethod(buffer[start])) return this.refuse(error);
    slot.current.connectionRefused(connection.remoteAddress, error);
    const refusal = new PlainRefusal(connection, slot);
    connection.handler = refusal;
    this.leave();
    refusal.answer();
  }
}

/** Whether an HTTP method may begin with this byte: all registered methods consist of capital letters. */
function beginsMethod(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}
