import type { Balancer } from '../balancing/index.ts';
import { ProxyError } from '../base/index.ts';
import { fillUpstream, type PassConfig, type ProxyProtocolVersion, type ServiceLimits } from '../config/index.ts';
import type { Action, ConnectionAction, Exchange, FailureSubject, RelayedConnection } from '../exchange/index.ts';
import type { DialContext, DialOptions } from '../transport/index.ts';
import { DEFAULT_DIAL_TIMEOUT_MS, parsePeer, type Peer } from '../upstream/index.ts';
import { RelayDialing, type RelayRoute } from './relay-dialing.ts';

/**
 * Size of a read from an upstream connection. A relay does nothing else with the bytes, so system calls are its whole
 * cost, and few large calls are cheaper than many small ones. Memory pages into which nothing was read cost nothing.
 */
const READ_BUFFER_BYTES = 131_072;

/** The parts of its route, its service and the daemon that a pass action needs. */
export interface PassContext {
  readonly limits: ServiceLimits;
  readonly balancer: Balancer | null;
  readonly dialContext: DialContext;
  /** The route's `set`. */
  readonly variables: Readonly<Record<string, string>>;
  /** Logs an upstream that could not be reached, when another one is tried. */
  unreachable(subject: FailureSubject, error: ProxyError): void;
}

/** Compiles a pass action for a route. @throws ProxyError bad_upstream_address */
export function createPassAction(config: PassConfig, context: PassContext): Action {
  return new PassAction(config, context);
}

class PassAction implements Action, ConnectionAction, RelayRoute {
  readonly relay: ConnectionAction = this;
  readonly limits: ServiceLimits;
  readonly balancer: Balancer | null;
  readonly dialOptions: DialOptions;
  readonly dialContext: DialContext;
  readonly proxyProtocol: ProxyProtocolVersion | null;
  private readonly context: PassContext;
  private readonly peersByTarget = new Map<string, Peer>();

  constructor(config: PassConfig, context: PassContext) {
    const { limits, balancer, dialContext, variables } = context;
    this.dialContext = dialContext;
    this.context = context;
    this.limits = limits;
    this.balancer = balancer;
    this.proxyProtocol = config.proxyProtocol;
    this.dialOptions = {
      timeout: limits.dialTimeout ?? DEFAULT_DIAL_TIMEOUT_MS,
      tlsTimeout: limits.tlsHandshakeTimeout,
      keepAlive: limits.keepAlive,
      readBufferSize: READ_BUFFER_BYTES,
      writeBufferSize: limits.writeBufferSize,
      tls: null,
    };
    for (const target of balancer?.targets.map(({ address }) => address) ?? ['']) {
      const values = { ...variables, target };
      this.peersByTarget.set(target, parsePeer(fillUpstream(config.upstream, values)));
    }
  }

  take(client: RelayedConnection): void {
    new RelayDialing(client, this).start();
  }

  /**
   * A request reaches a pass route only if prox terminated TLS for another name and the client reuses the connection
   * for a second host, or if the listener is plain. The upstream of this host would never answer it.
   */
  handle(exchange: Exchange): void {
    exchange.fail(new ProxyError('misdirected', `route ${exchange.route.id} relays TLS and does not serve requests`));
  }

  peerOf(target: string): Peer {
    return this.peersByTarget.get(target) as Peer;
  }

  unreachable(subject: FailureSubject, error: ProxyError): void {
    this.context.unreachable(subject, error);
  }
}
