import { type Balancer, TargetSearch } from '../balancing/index.ts';
import { ProxyError } from '../base/index.ts';
import type { ProxyProtocolVersion, ServiceLimits } from '../config/index.ts';
import type { FailureSubject, RelayedConnection } from '../exchange/index.ts';
import { proxyHeaderV1, proxyHeaderV2 } from '../proxy-protocol/index.ts';
import {
  type Connection,
  type ConnectionHandler,
  dial,
  type DialContext,
  type Dialing,
  type DialOptions,
} from '../transport/index.ts';
import type { Peer } from '../upstream/index.ts';
import { Relay } from './relay.ts';

/** The parts of a pass action that do not change from one connection to the next. */
export interface RelayRoute {
  readonly limits: ServiceLimits;
  readonly balancer: Balancer | null;
  readonly dialOptions: DialOptions;
  readonly dialContext: DialContext;
  /** The version of the PROXY header that each upstream connection begins with; null for none. */
  readonly proxyProtocol: ProxyProtocolVersion | null;
  /** The peer for a target. An upstream without `{target}` has one peer, whatever the argument. */
  peerOf(target: string): Peer;
  /** Logs an upstream that could not be reached, when another one is tried. */
  unreachable(subject: FailureSubject, error: ProxyError): void;
}

/**
 * A client connection for which an upstream is being connected. It is paused meanwhile, so its bytes wait in the
 * kernel.
 *
 *     dialing ──connected──> Relay
 *        │ ↑
 *        └─┴── not reached: the next target; none is left, or the client has left: over
 */
export class RelayDialing implements ConnectionHandler {
  private readonly client: RelayedConnection;
  private readonly route: RelayRoute;
  /** Null for an upstream with a fixed address. */
  private readonly search: TargetSearch | null;
  private dialing: Dialing | null = null;
  private lastError: ProxyError | null = null;
  /** The first bytes for the upstream. */
  private head: Buffer;
  private clientEnded = false;
  private startedAt = 0;
  private over = false;

  constructor(client: RelayedConnection, route: RelayRoute) {
    this.client = client;
    this.route = route;
    this.search = route.balancer === null ? null : new TargetSearch(route.balancer);
    this.head = client.head;
  }

  /** Takes the connection over and connects to an upstream. */
  start(): void {
    const { connection } = this.client;
    connection.handler = this;
    connection.expect(0);
    connection.pause();
    this.startedAt = performance.now();
    this.next();
  }

  /** Bytes that were already being read when the connection was paused. */
  onData(buffer: Buffer, start: number, end: number): void {
    this.head = Buffer.concat([this.head, buffer.subarray(start, end)]);
  }

  onEnd(): void {
    this.clientEnded = true;
  }

  onDrain(): void {}

  onDeadline(): void {}

  onClose(error: Error | null): void {
    this.finish(new ProxyError('client_closed', 'the client closed the connection', { cause: error }));
  }

  onBroken(error: unknown): void {
    this.finish(ProxyError.from(error));
  }

  private next(): void {
    const { dialContext, dialOptions } = this.route;
    const target = this.search?.next() ?? null;
    if (this.search === null ? this.lastError !== null : target === null) {
      return this.finish(this.lastError ?? new ProxyError('no_target', 'the balancer has no target'));
    }
    const peer = this.route.peerOf(target?.address ?? '');
    this.dialing = dial(peer.address, dialOptions, dialContext, (error, upstream) => {
      this.dialing = null;
      // A dial belongs to no connection yet, so nothing else catches exceptions of its callbacks.
      try {
        if (upstream === null) this.unreachable(error as ProxyError);
        else this.connected(upstream, peer);
      } catch (thrown) {
        upstream?.destroy();
        this.finish(ProxyError.from(thrown));
      }
    });
  }

  private unreachable(error: ProxyError): void {
    this.lastError = error;
    if (this.search !== null) {
      this.search.failed();
      this.route.unreachable(this.client, error);
    }
    this.next();
  }

  private connected(upstream: Connection, peer: Peer): void {
    const { client, search, route } = this;
    if (client.record !== null) {
      client.record.upstream = peer.text;
      client.record.upstreamConnect = performance.now() - this.startedAt;
    }
    if (route.proxyProtocol !== null) this.head = Buffer.concat([this.proxyHeader(route.proxyProtocol), this.head]);
    const relay = new Relay(client, upstream, route.limits, () => search?.release());
    this.over = true;
    relay.start(this.head, this.clientEnded);
  }

  /**
   * The PROXY header, which tells the upstream the address of the client. It precedes every byte of the client (PROXY
   * protocol §2).
   */
  private proxyHeader(version: ProxyProtocolVersion): Buffer {
    const { connection, clientAddress } = this.client;
    const source = { address: clientAddress, port: connection.remotePort };
    const destination = { address: connection.localAddress, port: connection.localPort };
    return version === 'v1' ? proxyHeaderV1(source, destination) : proxyHeaderV2(source, destination);
  }

  private finish(error: ProxyError): void {
    if (this.over) return;
    this.over = true;
    this.dialing?.cancel();
    this.search?.release();
    this.client.connection.destroy();
    this.client.over(error);
  }
}
