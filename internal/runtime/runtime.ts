import { TargetStore } from '../balancer/index.ts';
import { Deadlines, type ProxyError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { FailureSubject } from '../exchange/index.ts';
import { Pools } from '../upstream/index.ts';
import { Binding } from './binding.ts';
import type { FailureReports } from './compiled-service.ts';
import { type AccessLogs, type Environment, Generation } from './generation.ts';
import type { ServiceSlot } from './service-slot.ts';
import { refuseUnsupported } from './unsupported.ts';

/** What a runtime reports to. */
export interface RuntimeEvents extends FailureReports {
  /** An upstream was not reached; another one is tried. */
  unreachable(subject: FailureSubject, error: ProxyError): void;
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

/** What a config that came in force has changed in the addresses that are listened on. */
export interface Applied {
  readonly opened: readonly Listening[];
  readonly closed: readonly Listening[];
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
  private stopping = false;

  constructor(accessLogs: AccessLogs, events: RuntimeEvents) {
    this.events = events;
    this.environment = {
      pools: this.pools,
      targets: new TargetStore(),
      accessLogs,
      deadlines: this.deadlines,
      exchangeFailed: (exchange, error) => events.exchangeFailed(exchange, error),
      sessionBroken: (client, error) => events.sessionBroken(client, error),
      connectionRefused: (refusal) => events.connectionRefused(refusal),
      unreachable: (exchange, error) => events.unreachable(exchange, error),
    };
  }

  /** The addresses in force. */
  get listening(): Listening[] {
    return [...this.slots.values()].map(listeningOf);
  }

  /**
   * Puts a config in force. Calls must not overlap.
   * @throws StartError, or Error when a log cannot be opened; what was in force stays in force.
   */
  async apply(config: Config): Promise<Applied> {
    refuseUnsupported(config);
    const next = await Generation.compile(config, this.environment, this.generation);
    const binding = new Binding(this.slots, this.deadlines, this.events);
    try {
      await binding.bind(next);
      // A daemon that was told to stop in the meantime must not begin anew.
      if (this.stopping) throw new Error('prox is stopping');
    } catch (error) {
      await binding.undo();
      await next.retire();
      throw error;
    }
    return this.commit(next, binding.bound);
  }

  /**
   * Stops accepting and lets exchanges finish, each service for its shutdown_timeout.
   * @returns how many connections were cut
   */
  async drain(): Promise<number> {
    this.stopping = true;
    const drains = [...this.slots.values()].map((slot) => slot.drain(slot.current.limits.shutdownTimeout));
    const cut = await Promise.all(drains);
    await Promise.all(this.leaving);
    this.pools.retain(new Set());
    await this.generation?.retire();
    return cut.reduce((sum, count) => sum + count, 0);
  }

  /** The one step that changes what is in force; it cannot fail. */
  private commit(next: Generation, bound: ReadonlyMap<string, ServiceSlot>): Applied {
    const before = this.generation;
    const closed: Listening[] = [];
    this.generation = next;
    for (const [key, service] of next.services) this.slots.get(key)?.swap(service);
    for (const [key, slot] of this.slots) {
      if (next.services.has(key)) continue;
      this.slots.delete(key);
      closed.push(listeningOf(slot));
      this.later(slot.drain(slot.current.limits.shutdownTimeout));
    }
    for (const [key, slot] of bound) this.slots.set(key, slot);
    this.pools.retain(next.peerKeys);
    if (before !== null) this.later(before.retire());
    return { opened: [...bound.values()].map(listeningOf), closed };
  }

  private later(work: Promise<unknown>): void {
    const watched = work
      .catch((error: unknown) => this.events.failedLater(error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.leaving.delete(watched));
    this.leaving.add(watched);
  }
}

function listeningOf(slot: ServiceSlot): Listening {
  return { service: slot.current.name, address: slot.current.address, port: slot.port };
}
