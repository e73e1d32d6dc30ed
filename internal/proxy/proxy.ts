import type { Balancer } from '../balancing/index.ts';
import type { ProxyError } from '../base/index.ts';
import { fillUpstream, type ProxyConfig, type ProxyProtocolVersion, type ServiceLimits } from '../config/index.ts';
import { type Action, compileFieldValue, type Exchange } from '../exchange/index.ts';
import { dropTable, fieldIdOf } from '../message/index.ts';
import { type DialTls } from '../transport/index.ts';
import {
  parsePeer,
  type Peer,
  type PoolOptions,
  poolOptionsOf,
  type Pools,
  type UpstreamTimeouts,
} from '../upstream/index.ts';
import { Forwarding } from './forwarding.ts';
import { mayForward } from './max-forwards.ts';
import { ownedNames } from './owned-names.ts';
import type { ProxyRoute } from './proxy-route.ts';
import type { RequestEdits } from './upstream-fields.ts';

/** The parts of the route, the service and the daemon that a proxy action needs. */
export interface ProxyContext {
  readonly pools: Pools;
  readonly limits: ServiceLimits;
  readonly balancer: Balancer | null;
  /** The `set` option of the route. */
  readonly variables: Readonly<Record<string, string>>;
  readonly fallback: Action | null;
  /** The route names CONNECT among its methods. */
  readonly connect: boolean;
  /** TLS settings for https upstreams, read from their files; null for the defaults. */
  readonly tls: DialTls | null;
  /** Logs an upstream that was not reached while another was tried. */
  unreachable(exchange: Exchange, error: ProxyError): void;
}

/** Compiles a proxy action for a route. @throws ProxyError bad_upstream_address */
export function createProxyAction(
  config: ProxyConfig,
  context: ProxyContext,
): Action & { readonly peers: readonly Peer[] } {
  return new ProxyAction(config, context);
}

class ProxyAction implements Action, ProxyRoute {
  readonly pools: Pools;
  readonly poolOptions: PoolOptions;
  readonly timeouts: UpstreamTimeouts;
  readonly silentStartTimeouts: UpstreamTimeouts;
  readonly balancer: Balancer | null;
  readonly edits: RequestEdits;
  readonly fallback: Action | null;
  readonly stream: boolean;
  readonly answersConnect: boolean;
  readonly proxyProtocol: ProxyProtocolVersion | null;
  readonly takesConnect: boolean;
  readonly takesBody = true;
  readonly unreachable: (exchange: Exchange, error: ProxyError) => void;
  private readonly peersByTarget = new Map<string, Peer>();

  constructor(config: ProxyConfig, context: ProxyContext) {
    this.pools = context.pools;
    this.poolOptions = poolOptionsOf(context.limits, config.timeout);
    this.timeouts = {
      responseHeader: context.limits.responseHeaderTimeout,
      // A stream may be silent for any time.
      stall: config.stream ? 0 : context.limits.stallTimeout,
    };
    this.silentStartTimeouts = { ...this.timeouts, responseHeader: 0 };
    this.balancer = context.balancer;
    this.fallback = context.fallback;
    this.stream = config.stream;
    this.proxyProtocol = config.proxyProtocol;
    // A connection that speaks HTTP/2 cannot carry other bytes.
    this.answersConnect = context.connect && !config.stream && config.proto === null;
    this.takesConnect = config.stream || this.answersConnect;
    this.edits = editsOf(config, context.limits.underscores);
    this.unreachable = (exchange, error) => context.unreachable(exchange, error);
    const targets = context.balancer?.targets.map((target) => target.address) ?? [''];
    for (const target of targets) {
      this.peersByTarget.set(
        target,
        parsePeer(fillUpstream(config.upstream, { ...context.variables, target }), context.tls, config.proto),
      );
    }
  }

  /** Every peer that requests may go to. */
  get peers(): readonly Peer[] {
    return [...this.peersByTarget.values()];
  }

  handle(exchange: Exchange): void {
    if (!mayForward(exchange)) return;
    exchange.patient = this.stream;
    const forwarding = new Forwarding(exchange, this);
    exchange.handler = forwarding;
    forwarding.start();
  }

  peerOf(target: string): Peer {
    return this.peersByTarget.get(target) as Peer;
  }
}

function editsOf(config: ProxyConfig, underscores: boolean): RequestEdits {
  const all = Object.entries(config.headers).map(([name, value]) => ({ name, value: compileFieldValue(value) }));
  const fields = all.filter(({ name }) => name.toLowerCase() !== 'host');
  return {
    host: all.find(({ name }) => name.toLowerCase() === 'host')?.value ?? null,
    preserveHost: config.preserveHost,
    fields,
    owned: ownedNames(
      fields.map(({ name }) => name),
      underscores,
    ),
    replaced: dropTable(...all.map(({ name }) => fieldIdOf(name))),
    // Such a connection belongs to one client: no request of another may follow on it.
    close: config.stream || config.proxyProtocol !== null,
  };
}
