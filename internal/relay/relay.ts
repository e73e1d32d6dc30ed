import { ProxyError } from '../base/index.ts';
import type { ServiceLimits } from '../config/index.ts';
import type { RelayedConnection } from '../exchange/index.ts';
import type { Connection, ConnectionHandler } from '../transport/index.ts';
import { RelayFlow } from './relay-flow.ts';

/**
 * The largest TLS record with an alert (RFC 8446 §5.2, §6): 5 bytes of header, 2 of alert, at most 41 of padding, nonce
 * and tag, rounded up.
 */
const CLOSE_ALERT_BYTES = 64;

/**
 * Two connections, and the bytes between them, which prox does not read (L4).
 *
 *     both open ──one side ends──> half open ──the other side ends──> both closed: over
 *         └────────────────────────────┴── reset, stalled, idle: both are cut
 *
 * An end is passed on as an end and a reset as a reset, so that each side sees the same as without prox.
 */
export class Relay {
  private readonly client: RelayedConnection;
  private readonly upstream: Connection;
  private readonly limits: ServiceLimits;
  private readonly release: () => void;
  private readonly up: RelayFlow;
  private readonly down: RelayFlow;
  private over = false;
  private half = false;

  /** @param release called once, when the relay is over */
  constructor(client: RelayedConnection, upstream: Connection, limits: ServiceLimits, release: () => void) {
    const speed = client.route.speed?.forConnection() ?? null;
    this.client = client;
    this.upstream = upstream;
    this.limits = limits;
    this.release = release;
    this.up = new RelayFlow(client.connection, upstream, speed?.upload ?? null, limits.stallTimeout);
    this.down = new RelayFlow(upstream, client.connection, speed?.download ?? null, limits.stallTimeout);
  }

  /**
   * Begins to relay.
   * @param head bytes that the client has already sent
   * @param clientEnded whether the client has ended its side after them
   */
  start(head: Buffer, clientEnded: boolean): void {
    const { client, upstream, up, down } = this;
    client.connection.handler = new RelayEnd(this, 'client', up, down);
    upstream.handler = new RelayEnd(this, 'upstream', down, up);
    this.moved();
    client.connection.resume();
    up.takeKept(head);
    if (clientEnded) up.end();
  }

  /** @internal Bytes have moved. */
  moved(): void {
    this.client.connection.expect(this.limits.idleTimeout);
  }

  /** @internal Nothing has moved for idle_timeout. */
  idle(): void {
    // A side that accepts no waiting bytes is stalled. If they are too few to fill the sink, only this check watches
    // them.
    if (this.up.waits || this.down.waits) {
      this.up.watch();
      this.down.watch();
      return this.moved();
    }
    this.settle(new ProxyError('relay_idle', 'neither side sent a byte for the length of idle_timeout'));
    this.client.connection.destroy();
    this.upstream.destroy();
  }

  /** @internal Both are cut. */
  fail(error: ProxyError): void {
    this.settle(error);
    this.client.connection.reset();
    this.upstream.reset();
  }

  /** @internal One connection has closed. */
  closed(side: Side, cause: Error | null): void {
    if (cause === null && this.up.ended && this.down.ended) {
      if (this.half) this.settle(null);
      this.half = true;
      return;
    }
    if (cause !== null && this.endedInOrder(side)) {
      this.settle(null);
      this.client.connection.reset();
      return this.upstream.reset();
    }
    const code = side === 'client' ? 'client_closed' : 'upstream_closed';
    this.fail(new ProxyError(code, `the ${side} broke the connection`, { cause }));
  }

  /**
   * Whether a side that resets the connection had nothing more to send: the other side has ended, and since then this
   * side has sent no more than a TLS alert. A server that sees the end, such as PostgreSQL, may close without reading
   * the client's own alert, which makes the kernel send a reset.
   */
  private endedInOrder(side: Side): boolean {
    const [mine, other] = side === 'client' ? [this.up, this.down] : [this.down, this.up];
    return other.ended && mine.bytesSince(other) <= CLOSE_ALERT_BYTES;
  }

  private settle(error: ProxyError | null): void {
    if (this.over) return;
    this.over = true;
    this.up.close();
    this.down.close();
    this.release();
    this.client.over(error);
  }
}

type Side = 'client' | 'upstream';

/** Handles the events of one of the two connections. */
class RelayEnd implements ConnectionHandler {
  private readonly relay: Relay;
  private readonly side: Side;
  /** The bytes that this side sends. */
  private readonly from: RelayFlow;
  /** The bytes that this side receives. */
  private readonly to: RelayFlow;

  constructor(relay: Relay, side: Side, from: RelayFlow, to: RelayFlow) {
    this.relay = relay;
    this.side = side;
    this.from = from;
    this.to = to;
  }

  onData(buffer: Buffer, start: number, end: number): void {
    this.relay.moved();
    this.from.take(buffer, start, end);
  }

  onEnd(): void {
    this.relay.moved();
    this.from.end();
  }

  onDrain(): void {
    this.relay.moved();
    this.to.drained();
  }

  onDeadline(): void {
    this.relay.idle();
  }

  onStalled(): void {
    const code = this.side === 'client' ? 'client_stalled' : 'upstream_stalled';
    this.relay.fail(new ProxyError(code, `the ${this.side} accepted no byte for the length of stall_timeout`));
  }

  onClose(error: Error | null): void {
    this.relay.closed(this.side, error);
  }

  onBroken(error: unknown): void {
    this.relay.fail(ProxyError.from(error));
  }
}
