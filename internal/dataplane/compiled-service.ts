import { setImmediate } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';
import type { Balancer } from '../balancing/index.ts';
import type { ProxyError } from '../base/index.ts';
import type { ServiceConfig, ServiceLimits } from '../config/index.ts';
import type { HostRoute, SessionHost } from '../downstream/index.ts';
import {
  type Action,
  compileFilters,
  type FailureSubject,
  type FilterChain,
  type RouteContext,
} from '../exchange/index.ts';
import type { HeadLimits } from '../http1/index.ts';
import { compileRouter, type Router } from '../router/index.ts';
import type { TlsAcceptor } from '../transport/index.ts';
import { CompiledRoute, filtersOf, type RouteDependencies } from './compile-route.ts';
import { type Refusal, Refusals } from './refusals.ts';

/** Number of routes that are compiled before requests are served again: a few milliseconds. */
const ROUTES_AT_A_TIME = 500;

/** Receives the failures of a service. */
export interface FailureReports {
  /** An exchange or a relayed connection has failed. */
  exchangeFailed(subject: FailureSubject, error: ProxyError): void;
  /** A connection was closed because of an invalid beginning. */
  connectionRefused(refusal: Refusal): void;
  /** A session was lost because of a bug in prox. */
  sessionBroken(clientAddress: string, error: ProxyError): void;
}

/** One generation of a service, with its compiled routes and its limits. It never changes. */
export class CompiledService implements SessionHost {
  readonly name: string;
  /** The listen address as configured. */
  readonly address: string;
  readonly limits: ServiceLimits;
  readonly headLimits: HeadLimits;
  readonly unrouted: RouteContext;
  readonly tls: TlsAcceptor | null;
  readonly plain: boolean;
  readonly peeks: boolean;
  readonly expectsProxyHeader: boolean;
  readonly onConnection: FilterChain['onConnection'];
  private readonly refusals: Refusals;
  private readonly reports: FailureReports;
  private readonly router: Router<CompiledRoute>;
  private readonly routes: readonly CompiledRoute[];
  /** Number of exchanges and relayed connections in progress. */
  underWay = 0;
  private onIdle: (() => void) | null = null;
  private readonly trusted: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][];

  /** Compiles a service. Requests are served in between, because the routes of a large service take a while. */
  static async compile(
    config: ServiceConfig,
    dependencies: RouteDependencies & { readonly tls: TlsAcceptor | null },
    reports: FailureReports,
  ): Promise<CompiledService> {
    const routes: CompiledRoute[] = [];
    for (const route of config.routes) {
      routes.push(new CompiledRoute(route, dependencies));
      if (routes.length % ROUTES_AT_A_TIME === 0) await setImmediate();
    }
    return new CompiledService(
      config,
      routes,
      unroutedContext(config.plugins, dependencies),
      dependencies.tls,
      reports,
    );
  }

  private constructor(
    config: ServiceConfig,
    routes: readonly CompiledRoute[],
    unrouted: RouteContext,
    tls: TlsAcceptor | null,
    reports: FailureReports,
  ) {
    const { limits } = config;
    this.name = config.name;
    this.address = config.listen.text;
    this.limits = limits;
    this.headLimits = {
      maxHeaderBytes: limits.maxHeaderBytes,
      maxHeaders: limits.maxHeaders,
      maxTargetBytes: limits.maxTargetBytes,
    };
    this.reports = reports;
    this.routes = routes;
    this.router = compileRouter(
      config.routes.map((route, i) => ({ match: route.match, value: routes[i] })),
      limits,
    );
    this.unrouted = unrouted;
    this.tls = tls;
    this.plain = config.tls === null;
    this.peeks = config.routes.some(({ action }) => action.type === 'pass' || (action.type === 'drop' && !this.plain));
    this.expectsProxyHeader = limits.proxyProtocol;
    this.onConnection = unrouted.filters?.onConnection ?? null;
    this.refusals = new Refusals(config.name);
    this.trusted = limits.trustedProxies.map((cidr) => ipaddr.parseCIDR(cidr));
  }

  route(host: string, path: string, method: string): RouteContext | null {
    return this.router.match(host, path, method);
  }

  matchHost(host: string): HostRoute | null {
    return this.router.matchHost(host);
  }

  trusts(address: string): boolean {
    if (this.trusted.length === 0 || !ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return this.trusted.some(([range, bits]) => parsed.kind() === range.kind() && parsed.match(range, bits));
  }

  exchangeFailed(subject: FailureSubject, error: ProxyError): void {
    this.reports.exchangeFailed(subject, error);
  }

  connectionRefused(clientAddress: string, error: ProxyError): void {
    this.reports.connectionRefused(this.refusals.take(clientAddress, error));
  }

  sessionBroken(clientAddress: string, error: ProxyError): void {
    this.reports.sessionBroken(clientAddress, error);
  }

  exchangeBegan(): void {
    this.underWay++;
  }

  exchangeEnded(): void {
    this.underWay--;
    if (this.underWay === 0) this.onIdle?.();
  }

  /** Resolves when no exchange of this generation is in progress. Must be called after it was replaced. */
  idle(): Promise<void> {
    if (this.underWay === 0) return Promise.resolve();
    return new Promise((resolve) => (this.onIdle = resolve));
  }

  /** The balancer of each route that has one, so that the next generation can continue its order. */
  *balancers(): Generator<[routeId: string, balancer: Balancer]> {
    for (const route of this.routes) if (route.balancer !== null) yield [route.id, route.balancer];
  }
}

/**
 * Takes the place of a route if none matches: the plugins of the service see these responses, and the exchanges go to
 * the global access log.
 */
function unroutedContext(plugins: readonly string[], dependencies: RouteDependencies): RouteContext {
  return {
    id: '',
    domainPattern: '',
    pathPatterns: [],
    captures: () => ({ domain: '', glob: '' }),
    matchedPath: () => '',
    action: NO_ACTION,
    filters: compileFilters([...dependencies.plugins.all(plugins), ...filtersOf(null, dependencies)]),
    speed: null,
  };
}

const NO_ACTION: Action = {
  handle(exchange) {
    throw new Error(`no route, so no action, for ${exchange.path}`);
  },
};
