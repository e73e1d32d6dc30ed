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

/** The content type of the record that every TLS connection begins with: handshake (RFC 8446 §5.1). */
const HANDSHAKE_RECORD = 0x16;

/** Milliseconds for the whole ClientHello: one flight that clients send at once, so that only loss makes it take long. */
const HELLO_TIMEOUT_MS = 5000;

/** Milliseconds for the rest of a handshake when the listener goes away: two round trips around the world. */
const DRAINING_HANDSHAKE_MS = 1000;

/**
 * The begin of a connection to a TLS listener, or to a plain one with pass routes.
 *
 *     first byte ─┬─ no TLS ──────────────────────> 400; HTTP on a plain listener
 *                 ├─ nobody asks for the name ────> TLS
 *                 └─ ClientHello ─ server name ─┬─ pass, drop decided ──> RelaySession
 *                                               └─ anything else ───────> TLS; closed where there is no certificate
 */
export class TlsDetection extends ProtocolDetection {
  private hello: ClientHelloReader | null = null;
  /** What was read of the ClientHello, for whoever comes next. */
  private readonly first = new FirstBytes();
  /** The ClientHello is complete, and the filters of the service are asked about it. */
  private asked = false;
  /** Set while the acceptor has the connection. */
  private handshake: TlsHandshake | null = null;
  /** Milliseconds for the handshake, from the connection on; as for any first bytes where clients need not speak TLS. */
  private readonly timeout: number;
  /** As `performance.now()`. */
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
    this.refuse(new ProxyError('tls_handshake', `the handshake was not begun within its ${this.timeout} ms`));
  }

  override drain(): void {
    // A handshake that is nearly over is let finish; the session that comes out of it knows that it drains.
    if (this.handshake === null) super.drain();
    else this.handshake.hurry(DRAINING_HANDSHAKE_MS);
  }

  override kill(): void {
    if (this.handshake === null) super.kill();
    else this.handshake.abort(new ProxyError('shutting_down', 'the handshake was not over when its time was up'));
  }

  /** The first route of the name decides. */
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
    session.over(new ProxyError('no_route', `no route passes ${JSON.stringify(host)} on, and there is no certificate`));
  }

  private terminate(bytes: Buffer): void {
    const { connection, slot } = this;
    const { tls } = slot.current;
    if (tls === null) return connection.destroy();
    const client = connection.remoteAddress;
    this.handshake = tls.accept(connection, bytes, (error, secured) => {
      // A handshake ends on no connection that would guard this.
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

/** Whether a method of HTTP may begin so: all that are registered are of capital letters. */
function beginsMethod(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}
