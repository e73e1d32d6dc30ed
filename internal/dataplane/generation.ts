import { type Balancer, type TargetStore } from '../balancing/index.ts';
import type { Deadlines, ProxyError } from '../base/index.ts';
import type { ActionConfig, Config, LoggingConfig } from '../config/index.ts';
import type { FailureSubject } from '../exchange/index.ts';
import type { SharedSpeeds } from '../speed-leases/index.ts';
import type { Peer, Pools } from '../upstream/index.ts';
import type { RecordSink } from './access-log-filter.ts';
import { CompiledPlugins, type PluginDependencies } from './compile-plugins.ts';
import { CompiledService, type FailureReports } from './compiled-service.ts';
import { openingLog } from './start-error.ts';
import { createTlsAcceptor } from './tls-acceptor.ts';
import { UpstreamTls } from './upstream-tls.ts';

/** Access logs by path. The same path is one file while it has a user. */
export interface AccessLogs {
  /** Opens the log, or counts one more user. @throws Error that names the path if it cannot be opened */
  acquire(path: string, logging: LoggingConfig): Promise<HeldLog>;
}

/** An open log. */
export interface HeldLog {
  readonly sink: RecordSink;
  /** Releases the log; the last user closes it. */
  release(): Promise<void>;
}

/** The environment of a generation, which outlives it. */
export interface Environment extends FailureReports, PluginDependencies {
  readonly pools: Pools;
  readonly targets: TargetStore;
  readonly speeds: SharedSpeeds;
  readonly accessLogs: AccessLogs;
  readonly deadlines: Deadlines;
  /** The keys of TLS session tickets, the same in all generations and processes: 48 bytes. */
  readonly ticketKeys: Buffer;
  /** Called if an upstream is verified against the roots of the system. */
  systemRootsUsed(): void;
  unreachable(subject: FailureSubject, error: ProxyError): void;
}

/** Everything that is compiled from one config. */
export class Generation {
  readonly config: Config;
  /** By the text of their address. */
  readonly services: ReadonlyMap<string, CompiledService>;
  /** Keys of the peers to which it may send. */
  readonly peerKeys: ReadonlySet<string>;
  private readonly logs: readonly HeldLog[];
  private readonly plugins: CompiledPlugins;

  private constructor(
    config: Config,
    services: ReadonlyMap<string, CompiledService>,
    peerKeys: ReadonlySet<string>,
    logs: readonly HeldLog[],
    plugins: CompiledPlugins,
  ) {
    this.config = config;
    this.services = services;
    this.peerKeys = peerKeys;
    this.logs = logs;
    this.plugins = plugins;
  }

  /**
   * Compiles a config and opens its access logs. Binds nothing, and changes nothing that is in force.
   * @throws StartError if a log cannot be opened; everything is released then
   */
  static async compile(config: Config, environment: Environment, previous: Generation | null): Promise<Generation> {
    const logs = new Map<string, HeldLog>();
    const peerKeys = new Set<string>();
    const notePeers = (peers: readonly Peer[]): void => {
      for (const peer of peers) {
        peerKeys.add(peer.key);
        if (peer.tls !== null && peer.tls.ca === null && !peer.tls.insecure) environment.systemRootsUsed();
      }
    };
    const plugins = new CompiledPlugins(config, environment, notePeers);
    try {
      for (const path of accessLogPaths(config)) {
        const open = (): Promise<HeldLog> => environment.accessLogs.acquire(path, config.logging);
        logs.set(path, await openingLog(config, path, open));
      }
      const services = await compileServices({ config, environment, previous, logs, plugins, notePeers });
      return new Generation(config, services, peerKeys, [...logs.values()], plugins);
    } catch (error) {
      plugins.dispose();
      for (const log of logs.values()) await log.release();
      throw error;
    }
  }

  /** Number of exchanges and relayed connections in progress. */
  get exchanges(): number {
    let sum = 0;
    for (const service of this.services.values()) sum += service.underWay;
    return sum;
  }

  /** Releases the logs and the resources of plugins. Called when the last exchange of this generation is over. */
  async retire(): Promise<void> {
    await Promise.all([...this.services.values()].map((service) => service.idle()));
    this.plugins.dispose();
    for (const log of this.logs) await log.release();
  }
}

/**
 * The key of a listen address. Two services must not share it, and it decides whether a reload keeps the address. Port
 * 0 is a different port for each service.
 */
export function listenKey(config: Config['services'][number]): string {
  const { listen } = config;
  if (listen.kind === 'tcp' && listen.port === 0) return `${listen.host ?? '*'}:0 ${config.name}`;
  return listen.kind === 'unix' ? `unix:${listen.path}` : `${listen.host ?? '*'}:${listen.port}`;
}

interface Ingredients {
  readonly config: Config;
  readonly environment: Environment;
  readonly previous: Generation | null;
  readonly logs: ReadonlyMap<string, HeldLog>;
  readonly plugins: CompiledPlugins;
  readonly notePeers: (peers: readonly Peer[]) => void;
}

async function compileServices(ingredients: Ingredients): Promise<Map<string, CompiledService>> {
  const { config, environment, previous, logs, plugins, notePeers } = ingredients;
  const upstreamTls = new UpstreamTls();
  const balancers = new Map<string, Balancer>();
  for (const service of previous?.services.values() ?? []) {
    for (const [id, balancer] of service.balancers()) balancers.set(id, balancer);
  }
  const services = new Map<string, CompiledService>();
  for (const service of config.services) {
    const dependencies = {
      service: service.name,
      pools: environment.pools,
      targets: environment.targets,
      limits: service.limits,
      tls: createTlsAcceptor(service, environment.ticketKeys, environment.deadlines),
      upstreamTls,
      plugins,
      speeds: environment.speeds,
      accessLog: (path: string | null) => logs.get(path ?? config.logging.accessLog ?? '')?.sink ?? null,
      previousBalancer: (id: string) => balancers.get(id) ?? null,
      notePeers,
      unreachable: environment.unreachable.bind(environment),
    };
    services.set(listenKey(service), await CompiledService.compile(service, dependencies, environment));
  }
  return services;
}

/** The paths of all access logs of the config, each once. */
function accessLogPaths(config: Config): Set<string> {
  const paths = new Set<string>();
  const add = (path: string | null): void => {
    if (path !== null && path !== 'off') paths.add(path);
  };
  add(config.logging.accessLog);
  for (const service of config.services) {
    for (const route of service.routes) {
      add(route.accessLog);
      for (let action: ActionConfig | null = route.action; action !== null;) {
        add(action.accessLog);
        action = action.type === 'proxy' ? action.fallback : null;
      }
    }
  }
  paths.delete('off');
  return paths;
}
