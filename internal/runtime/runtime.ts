import { TargetStore } from '../balancer/index.ts';
import { Deadlines, type ProxyError } from '../base/index.ts';
import type { Config, ServiceConfig } from '../config/index.ts';
import type { Exchange } from '../exchange/index.ts';
import { Pools } from '../upstream/index.ts';
import type { CompiledService, FailureReports } from './compiled-service.ts';
import { type AccessLogs, type Environment, Generation, listenKey } from './generation.ts';
import { ServiceSlot } from './service-slot.ts';
import { StartError } from './start-error.ts';
import { refuseUnsupported } from './unsupported.ts';

/** What a runtime reports to. */
export interface RuntimeEvents extends FailureReports {
  /** An upstream was not reached; another one is tried. */
  unreachable(exchange: Exchange, error: ProxyError): void;
  /** A connection could not be accepted. */
  acceptFailed(service: string, error: Error): void;
  /** Something that nobody waits for went wrong, such as closing an old log. */
  failedLater(error: Error): void;
}

/** An address in force. */
export interface Listening {
  readonly service: string;
  readonly address: string;
  /** The bound port; 0 on a unix socket. */
  readonly port: number;
}

/**
 * The data plane of a process: listeners, routes and pools. A config comes in force whole or not at all:
 *
 *     apply ──> refuse ──> compile ──> bind new addresses ──> commit ──> drain what is gone
 *                  └───────────┴───────────────┴──> error: nothing has changed
 */
export class Runtime {
  private readonly environment: Environment;
  private readonly events: RuntimeEvents;
  private readonly deadlines = new Deadlines();
  private readonly pools = new Pools(this.deadlines);
  private readonly slots = new Map<string, ServiceSlot>();
  /** Drains of addresses that are no longer listened on. */
  private readonly leaving = new Set<Promise<unknown>>();
  private generation: Generation | null = null;

  constructor(accessLogs: AccessLogs, events: RuntimeEvents) {
    this.events = events;
    this.environment = {
      pools: this.pools,
      targets: new TargetStore(),
      accessLogs,
      exchangeFailed: (exchange, error) => events.exchangeFailed(exchange, error),
      sessionBroken: (client, error) => events.sessionBroken(client, error),
      unreachable: (exchange, error) => events.unreachable(exchange, error),
    };
  }

  /** The addresses in force. */
  get listening(): Listening[] {
    return [...this.slots.values()].map((slot) => ({
      service: slot.current.name,
      address: slot.current.address,
      port: slot.port,
    }));
  }

  /**
   * Puts a config in force. Calls must not overlap.
   * @throws StartError, or Error when a log cannot be opened; what was in force stays in force.
   */
  async apply(config: Config): Promise<void> {
    refuseUnsupported(config);
    const next = await Generation.compile(config, this.environment, this.generation);
    let bound: Map<string, ServiceSlot>;
    try {
      bound = await this.bindNew(next);
    } catch (error) {
      await next.retire();
      throw error;
    }
    this.commit(next, bound);
  }

  /**
   * Stops accepting and lets exchanges finish, each service for its shutdown_timeout.
   * @returns how many connections were cut
   */
  async drain(): Promise<number> {
    const drains = [...this.slots.values()].map((slot) => slot.drain(slot.current.limits.shutdownTimeout));
    const cut = await Promise.all(drains);
    await Promise.all(this.leaving);
    this.pools.retain(new Set());
    await this.generation?.retire();
    return cut.reduce((sum, count) => sum + count, 0);
  }

  private async bindNew(next: Generation): Promise<Map<string, ServiceSlot>> {
    const bound = new Map<string, ServiceSlot>();
    for (const config of next.config.services) {
      const key = listenKey(config);
      if (this.slots.has(key)) continue;
      const slot = new ServiceSlot(next.services.get(key) as CompiledService, this.deadlines);
      try {
        await slot.bind(config.listen, (error) => this.events.acceptFailed(config.name, error));
      } catch (error) {
        for (const other of bound.values()) await other.drain(0);
        throw bindError(config, error as NodeJS.ErrnoException);
      }
      bound.set(key, slot);
    }
    return bound;
  }

  /** The one step that changes what is in force; it cannot fail. */
  private commit(next: Generation, bound: ReadonlyMap<string, ServiceSlot>): void {
    const before = this.generation;
    this.generation = next;
    for (const [key, service] of next.services) this.slots.get(key)?.swap(service);
    for (const [key, slot] of this.slots) {
      if (next.services.has(key)) continue;
      this.slots.delete(key);
      this.later(slot.drain(slot.current.limits.shutdownTimeout));
    }
    for (const [key, slot] of bound) this.slots.set(key, slot);
    this.pools.retain(next.peerKeys);
    if (before !== null) this.later(before.retire());
  }

  private later(work: Promise<unknown>): void {
    const watched = work
      .catch((error: unknown) => this.events.failedLater(error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.leaving.delete(watched));
    this.leaving.add(watched);
  }
}

const BIND_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use by another process',
  EACCES: 'not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
  ENOENT: 'the folder of the socket does not exist',
};

function bindError(config: ServiceConfig, cause: NodeJS.ErrnoException): StartError {
  const why = BIND_ERRORS[cause.code ?? ''] ?? cause.message;
  const message = `cannot listen on ${config.listen.text}: ${why}`;
  return new StartError(config.position, `services.${config.name}.listen`, message, cause);
}
