import { TargetStore } from '../balancing/index.ts';
import { Deadlines, type ProxyError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { ControlLine } from '../control/index.ts';
import type { Feature, FailureSubject, PassedFailure } from '../exchange/index.ts';
import { Resolver } from '../resolver/index.ts';
import { SharedSpeeds } from '../speed-leases/index.ts';
import {
  Admission,
  descriptors,
  measureDescriptors,
  type Network,
  ROOTS_OF_NODE,
  type ServerHandle,
  type Siblings,
  SYSTEM_NETWORK,
  systemRoots,
} from '../transport/index.ts';
import { type Peer, Pools } from '../upstream/index.ts';
import type { FailureReports } from './compiled-service.ts';
import { type AccessLogs, type Environment, Generation } from './generation.ts';
import { PendingChange } from './pending-change.ts';
import { PluginStates } from './plugin-states.ts';
import type { Accepting, ServiceSlot } from './service-slot.ts';
import { refuseUnsupported } from './unsupported.ts';

/** Receives the reports of a data plane. */
export interface GenerationEvents extends FailureReports {
  /** An upstream could not be reached; another one is tried. */
  unreachable(subject: FailureSubject, error: ProxyError): void;
  /** An HTTP/2 session to an upstream has ended with an error. */
  upstreamSessionEnded(upstream: string, error: Error): void;
  /** A connection could not be accepted. */
  acceptFailed(service: string, error: Error): void;
  /**
   * Connections wait, or are refused, because the descriptors of the process are used up. Called at most once a second.
   */
  descriptorsUsedUp(facts: { readonly connections: number; readonly limit: number }): void;
  /** The system has no root certificates; upstreams are verified against those of Node.js. */
  noSystemRoots(): void;
  /** A plugin reports a warning. */
  pluginWarned(plugin: string, message: string, failure?: PassedFailure): void;
  /** Work in the background failed, such as closing an old log. */
  failedLater(error: Error): void;
}

/** The options of a data plane. */
export interface GenerationsOptions {
  /** The line to the supervisor. */
  readonly line: ControlLine;
  /** All middlewares that plugins may use. */
  readonly features: readonly Feature[];
  readonly accessLogs: AccessLogs;
  readonly events: GenerationEvents;
  /** The keys of TLS session tickets, 48 bytes: processes with the same keys can resume the same sessions. */
  readonly ticketKeys: Buffer;
  /** Other processes that accept from the same sockets; null if there are none. */
  readonly siblings: Siblings | null;
  /** Requests another socket on the address with this key, for `giveSpare`; null if there is none. */
  readonly wantSpare: ((key: string) => void) | null;
  /** By default, a coarse clock of its own. */
  readonly deadlines?: Deadlines;
  /** By default, the network of the system. */
  readonly network?: Network;
}

/**
 * The data plane of a process: listeners, routes and pools. A config takes effect as a whole or not at all:
 *
 *     idle ──prepare──> prepared ──suspend, attach──> attached ──commit──> idle; what was replaced drains
 *                          └──────────────┴──rollback──> idle: nothing has changed
 *
 * It binds nothing: the control plane binds sockets, and lets all processes prepare before any of them commits.
 */
export class Generations {
  private readonly environment: Environment;
  private readonly events: GenerationEvents;
  private readonly accepting: Accepting;
  private readonly deadlines: Deadlines;
  private readonly resolver = new Resolver();
  private readonly pools: Pools;
  private readonly slots = new Map<string, ServiceSlot>();
  /** Slots whose address is closed, and that still have connections. */
  private readonly drainingSlots = new Set<ServiceSlot>();
  /** Generations that were replaced, and that still have exchanges. */
  private readonly retiring = new Set<Generation>();
  /** Drains of addresses that are no longer listened on. */
  private readonly leaving = new Set<Promise<unknown>>();
  private generation: Generation | null = null;
  private pending: PendingChange | null = null;
  /** Applies the prepared settings of the resolver. */
  private adoptResolver: () => void = () => {};
  private stopping = false;
  private rootsRead = false;

  constructor(options: GenerationsOptions) {
    const { accessLogs, events, ticketKeys, siblings, wantSpare, network = SYSTEM_NETWORK } = options;
    this.events = events;
    this.deadlines = options.deadlines ?? new Deadlines();
    const onFault = (peer: Peer, error: Error): void => events.upstreamSessionEnded(peer.text, error);
    this.pools = new Pools(this.deadlines, this.resolver, onFault, network);
    this.accepting = {
      network,
      admission: new Admission(descriptors, siblings, (facts) => events.descriptorsUsedUp(facts)),
      wantSpare,
      acceptFailed: (service, error) => events.acceptFailed(service, error),
    };
    this.environment = {
      pools: this.pools,
      targets: new TargetStore(),
      speeds: new SharedSpeeds(options.line),
      features: options.features,
      line: options.line,
      states: new PluginStates(),
      accessLogs,
      deadlines: this.deadlines,
      ticketKeys,
      systemRootsUsed: () => this.readSystemRoots(),
      exchangeFailed: (exchange, error) => events.exchangeFailed(exchange, error),
      sessionBroken: (client, error) => events.sessionBroken(client, error),
      connectionRefused: (refusal) => events.connectionRefused(refusal),
      unreachable: (exchange, error) => events.unreachable(exchange, error),
      pluginWarned: (plugin, message, failure) => events.pluginWarned(plugin, message, failure),
    };
  }

  /**
   * Compiles a config and opens its access logs. The current config stays in force. Calls must not overlap, and each
   * must be followed by `commit` or `rollback`.
   * @throws StartError; there is nothing to roll back then
   */
  async prepare(config: Config): Promise<void> {
    refuseUnsupported(config);
    this.adoptResolver = await this.resolver.prepare(config.resolver);
    const next = await Generation.compile(config, this.environment, this.generation);
    this.pending = new PendingChange(next, this.deadlines, this.accepting);
  }

  /** Stops listening on addresses that overlap new ones; their sessions continue. */
  suspend(keys: readonly string[]): void {
    for (const key of keys) this.slots.get(key)?.suspend();
  }

  /**
   * Listens on the addresses that the prepared config adds; connections wait there until `commit`.
   * @param handles bound sockets by the key of their address
   * @throws ListenError
   */
  async attach(handles: ReadonlyMap<string, ServerHandle>): Promise<void> {
    if (this.stopping) throw new Error('prox is stopping');
    await this.prepared.attach(handles);
  }

  /** Listens again on suspended addresses, from sockets that were bound again. */
  async resume(handles: ReadonlyMap<string, ServerHandle>): Promise<void> {
    for (const [key, handle] of handles) {
      const slot = this.slots.get(key);
      await slot?.resume(handle).catch((error: unknown) => this.events.acceptFailed(slot.current.name, asError(error)));
    }
  }

  /** Delivers another socket on an address, which `wantSpare` has requested. */
  giveSpare(key: string, handle: ServerHandle | undefined): void {
    const slot = this.slots.get(key) ?? this.pending?.attached.get(key);
    if (slot === undefined) handle?.close();
    else slot.giveSpare(handle);
  }

  /**
   * Puts the prepared config into force. This is the only step that changes what is served.
   * @throws Error if prox was told to stop in the meantime; the caller then calls `rollback`
   */
  commit(): void {
    if (this.stopping) throw new Error('prox is stopping');
    const { next, attached } = this.prepared;
    const before = this.generation;
    this.pending = null;
    this.generation = next;
    this.adoptResolver();
    measureDescriptors();
    // Measures again when the listeners have their spare sockets.
    setTimeout(measureDescriptors, 1000).unref();
    for (const [key, service] of next.services) this.slots.get(key)?.swap(service);
    for (const [key, slot] of this.slots) {
      if (next.services.has(key)) continue;
      this.slots.delete(key);
      this.drainingSlots.add(slot);
      this.later(slot.drain(slot.current.limits.shutdownTimeout).finally(() => this.drainingSlots.delete(slot)));
    }
    for (const [key, slot] of attached) {
      this.slots.set(key, slot);
      slot.open();
    }
    this.pools.retain(next.peerKeys);
    if (before === null) return;
    this.retiring.add(before);
    this.later(before.retire().finally(() => this.retiring.delete(before)));
  }

  /** What this process serves now; see ServingReport. */
  load(): { listen: string[]; connections: number; exchanges: number } {
    const slots = [...this.slots.values()];
    const generations = [...this.retiring, ...(this.generation === null ? [] : [this.generation])];
    return {
      listen: slots.map((slot) => slot.current.address),
      connections: [...slots, ...this.drainingSlots].reduce((sum, slot) => sum + slot.sessions.size, 0),
      exchanges: generations.reduce((sum, generation) => sum + generation.exchanges, 0),
    };
  }

  /** Discards the prepared config, if there is one. The current config stays in force. */
  async rollback(): Promise<void> {
    const { pending } = this;
    this.pending = null;
    await pending?.abandon();
  }

  /**
   * Stops accepting and lets exchanges finish, each service for its shutdown_timeout.
   * @returns how many connections were cut
   */
  async drain(): Promise<number> {
    this.stopping = true;
    this.later(this.rollback());
    const drains = [...this.slots.values()].map((slot) => slot.drain(slot.current.limits.shutdownTimeout));
    const cut = await Promise.all(drains);
    await Promise.all(this.leaving);
    this.pools.retain(new Set());
    await this.generation?.retire();
    return cut.reduce((sum, count) => sum + count, 0);
  }

  private get prepared(): PendingChange {
    if (this.pending === null) throw new Error('no config was prepared');
    return this.pending;
  }

  /** Reads the roots now, because it takes some 50 ms, which the first request would otherwise wait for. */
  private readSystemRoots(): void {
    if (this.rootsRead) return;
    this.rootsRead = true;
    if (systemRoots().source === ROOTS_OF_NODE) this.events.noSystemRoots();
  }

  private later(work: Promise<unknown>): void {
    const watched = work
      .catch((error: unknown) => this.events.failedLater(asError(error)))
      .finally(() => this.leaving.delete(watched));
    this.leaving.add(watched);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
