import type { Balancer } from '../balancing/index.ts';
import { ProxyError } from '../base/index.ts';
import type { PassConfig, ProxyProtocolVersion, ServiceLimits } from '../config/index.ts';
import type { Action, ConnectionAction, Exchange, FailureSubject, RelayedConnection } from '../exchange/index.ts';
import type { DialContext, DialOptions } from '../transport/index.ts';
import { parsePeer, type Peer } from '../upstream/index.ts';
import { RelayDialing, type RelayRoute } from './relay-dialing.ts';

/** Connecting takes milliseconds or fails; 5 s leave room for a lost SYN and its repetitions. */
const DEFAULT_DIAL_TIMEOUT_MS = 5000;

/**
 * What an upstream connection reads at once. A relay does nothing else with the bytes, so that the calls to the kernel
 * are its whole price, and few large ones are cheaper than many small ones. Pages that were never read into cost nothing.
 */
const READ_BUFFER_BYTES = 131_072;

/** What a pass action needs of its route, its service and the daemon. */
export interface PassContext {
  readonly limits: ServiceLimits;
  readonly balancer: Balancer | null;
  readonly dialContext: DialContext;
  /** The route's `set`. */
  readonly variables: Readonly<Record<string, string>>;
  /** Logs an upstream that was not reached while another was tried. */
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
      this.peersByTarget.set(target, parsePeer(fill(config.upstream, values)));
    }
  }

  take(client: RelayedConnection): void {
    new RelayDialing(client, this).start();
  }

  /**
   * A request reaches a pass route only when its connection was chosen by another name, so that TLS ended here: the
   * client reuses it for a second host, or the listener is plain. The upstream of this host would never answer it.
   */
  handle(exchange: Exchange): void {
    exchange.fail(new ProxyError('misdirected', `route ${exchange.route.id} passes TLS on and serves no requests`));
  }

  peerOf(target: string): Peer {
    return this.peersByTarget.get(target) as Peer;
  }

  unreachable(subject: FailureSubject, error: ProxyError): void {
    this.context.unreachable(subject, error);
  }
}

function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{([^{}]+)\}/g, (whole, name: string) => values[name] ?? whole);
}
