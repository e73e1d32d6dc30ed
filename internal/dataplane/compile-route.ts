import { type Balancer, createBalancer, type TargetStore } from '../balancing/index.ts';
import type { ProxyError } from '../base/index.ts';
import {
  type ActionConfig,
  fillUpstream,
  type ProxyConfig,
  type RouteConfig,
  type ServiceLimits,
} from '../config/index.ts';
import {
  type Action,
  compileFilters,
  createRouteSpeed,
  type DomainCaptures,
  type FailureSubject,
  type Filter,
  type FilterChain,
  type RouteContext,
  type RouteSpeed,
} from '../exchange/index.ts';
import { createServeAction } from '../files/index.ts';
import { createProxyAction } from '../proxy/index.ts';
import { createPassAction } from '../relay/index.ts';
import { compileDomain, compilePath, type DomainPattern, type PathPattern } from '../router/index.ts';
import type { SharedSpeeds } from '../speed-leases/index.ts';
import { createDropAction, createStaticAction } from '../static/index.ts';
import type { Peer, Pools } from '../upstream/index.ts';
import { AccessLogFilter, type RecordSink } from './access-log-filter.ts';
import type { CompiledPlugins } from './compile-plugins.ts';
import type { UpstreamTls } from './upstream-tls.ts';

/** The dependencies of compiling routes. */
export interface RouteDependencies {
  /** Name of the service, for its access log. */
  readonly service: string;
  readonly pools: Pools;
  readonly targets: TargetStore;
  readonly limits: ServiceLimits;
  readonly upstreamTls: UpstreamTls;
  readonly plugins: CompiledPlugins;
  readonly speeds: SharedSpeeds;
  /** The sink of an access log by its path; null for none. */
  accessLog(path: string | null): RecordSink | null;
  /** The balancer of the route in the previous generation. */
  previousBalancer(routeId: string): Balancer | null;
  /** Called with every peer to which a route may send. */
  notePeers(peers: readonly Peer[]): void;
  /** Logs an upstream that could not be reached, when another one is tried. */
  unreachable(subject: FailureSubject, error: ProxyError): void;
}

const NO_CAPTURES: DomainCaptures = { domain: '', glob: '' };

/** A route of one generation. */
export class CompiledRoute implements RouteContext {
  readonly id: string;
  readonly domainPattern: string;
  readonly pathPatterns: readonly string[];
  readonly action: Action;
  readonly filters: FilterChain | null;
  readonly speed: RouteSpeed | null;
  readonly balancer: Balancer | null;
  private readonly domain: DomainPattern | null;
  private readonly paths: PathPattern | null;

  constructor(config: RouteConfig, dependencies: RouteDependencies) {
    this.id = config.id;
    this.domainPattern = config.match?.domain ?? '';
    this.pathPatterns = config.match?.paths ?? [];
    this.domain = this.domainPattern.includes('*') ? compileDomain(this.domainPattern) : null;
    this.paths = this.pathPatterns.length > 1 ? compilePath(this.pathPatterns, dependencies.limits) : null;
    this.balancer = compileBalancer(config, dependencies);
    this.action = compileAction(config.action, config, this.balancer, dependencies);
    this.speed =
      config.speed === null
        ? null
        : createRouteSpeed(config.speed, (direction, mbps) =>
            dependencies.speeds.get(`${config.id} ${direction}`, mbps),
          );
    this.filters = compileFilters([...pluginsOf(config, dependencies), ...filtersOf(config.accessLog, dependencies)]);
  }

  captures(host: string): DomainCaptures {
    return this.domain?.captures(host) ?? NO_CAPTURES;
  }

  matchedPath(path: string): string {
    if (this.paths === null) return this.pathPatterns[0] ?? '';
    return this.paths.match(path)?.pattern ?? '';
  }
}

/**
 * The filters of a route's plugins, in the order in which they run. A relayed or dropped connection has no request on
 * which to run them.
 */
function pluginsOf({ plugins, action }: RouteConfig, dependencies: RouteDependencies): Filter[] {
  if (action.type === 'pass' || action.type === 'drop') return [];
  return dependencies.plugins.all(plugins);
}

type LogDependencies = Pick<RouteDependencies, 'accessLog' | 'service'>;

/** The filters that run even if a route lists no plugins. */
export function filtersOf(accessLog: string | null, dependencies: LogDependencies): Filter[] {
  const sink = accessLog === 'off' ? null : dependencies.accessLog(accessLog);
  return sink === null ? [] : [new AccessLogFilter(sink, dependencies.service)];
}

function compileBalancer(config: RouteConfig, dependencies: RouteDependencies): Balancer | null {
  const { balancer, action } = config;
  if (balancer === null || (action.type !== 'proxy' && action.type !== 'pass')) return null;
  const scope = fillUpstream(action.upstream, config.set);
  const targets = balancer.targets.map((address) => dependencies.targets.get(address, scope));
  return createBalancer(balancer.type, targets, { previous: dependencies.previousBalancer(config.id) });
}

function compileAction(
  action: ActionConfig,
  route: RouteConfig,
  balancer: Balancer | null,
  dependencies: RouteDependencies,
): Action {
  switch (action.type) {
    case 'proxy':
      return compileProxy(action, route, balancer, dependencies);
    case 'static':
      return createStaticAction(action);
    case 'serve':
      return createServeAction(action, { pathPatterns: route.match?.paths ?? [], pathRules: dependencies.limits });
    case 'drop':
      return createDropAction();
    case 'pass':
      return createPassAction(action, {
        limits: dependencies.limits,
        balancer: action.upstream.includes('{target}') ? balancer : null,
        dialContext: dependencies.pools,
        variables: route.set,
        unreachable: (subject, error) => dependencies.unreachable(subject, error),
      });
  }
}

function compileProxy(
  action: ProxyConfig,
  route: RouteConfig,
  balancer: Balancer | null,
  dependencies: RouteDependencies,
): Action {
  const { fallback } = action;
  const compiled = createProxyAction(action, {
    pools: dependencies.pools,
    limits: dependencies.limits,
    balancer: action.upstream.includes('{target}') ? balancer : null,
    variables: route.set,
    connect: route.match?.methods.includes('CONNECT') ?? false,
    fallback: fallback === null ? null : compileAction(fallback, route, balancer, dependencies),
    tls: action.upstreamTls === null ? null : dependencies.upstreamTls.get(action.upstreamTls),
    unreachable: (exchange, error) => dependencies.unreachable(exchange, error),
  });
  dependencies.notePeers(compiled.peers);
  return compiled;
}
