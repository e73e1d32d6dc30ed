import { TargetStore } from '../balancing/index.ts';
import { Deadlines, type ProxyError } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { ControlLine } from '../control/index.ts';
import type { Feature, FailureSubject, PassedFailure } from '../exchange/index.ts';
import { SharedSpeeds } from '../shared-speed/index.ts';
import { Resolver } from '../resolver/index.ts';
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

/** What a runtime reports to. */
export interface GenerationEvents extends FailureReports {
  /** An upstream was not reached; another one is tried. */
  unreachable(subject: FailureSubject, error: ProxyError): void;
  /** An HTTP/2 session to an upstream has ended with an error. */
  upstreamSessionEnded(upstream: string, error: Error): void;
  /** A connection could not be accepted. */
  acceptFailed(service: string, error: Error): void;
  /** Connections wait, or are refused, as the descriptors of the process are used up. Once a second at most. */
  descriptorsUsedUp(facts: { readonly connections: number; readonly limit: number }): void;
  /** The system has no roots to verify upstreams against; those of Node.js stand in. */
  noSystemRoots(): void;
  /** A plugin has something to warn of. */
  pluginWarned(plugin: string, message: string, failure?: PassedFailure): void;
  /** Something that nobody waits for went wrong, such as closing an old log. */
  failedLater(error: Error): void;
}

/** What a runtime is made of. */
export interface RuntimeOptions {
  /** The line to the supervisor. */
  readonly line: ControlLine;
  /** Every middleware that plugins may be of. */
  readonly features: readonly Feature[];
  readonly accessLogs: AccessLogs;
  readonly events: GenerationEvents;
  /** Of TLS session tickets, 48 bytes: processes with the same ones resume the same sessions. */
  readonly ticketKeys: Buffer;
  /** Other processes that accept from the same sockets; null without any. */
  readonly siblings: Siblings | null;
  /** Asks for another socket on the address with this key, for `giveSpare`; null where there is none. */
  readonly wantSpare: ((key: string) => void) | null;
  /** Left out: a coarse clock of its own. */
  readonly deadlines?: Deadlines;
  /** Left out: that of the system. */
  readonly network?: Network;
}

/**
 * The data plane of a process: listeners, routes and pools. A config comes in force whole or not at all:
 *
 *     idle ──prepare──> prepared ──suspend, attach──> attached ──commit──> idle, and what is gone drains
 *                          └──────────────┴──rollback──> idle: nothing has changed
 *
 * It binds nothing: sockets are bound by the control plane, which lets all processes prepare before any commits.
 */
export class Generations {
  private readonly environment: Environment;
  private readonly events: GenerationEvents;
  private readonly accepting: Accepting;
  private readonly deadlines: Deadlines;
  private readonly resolver = new Resolver();
  private readonly pools: Pools;
  private readonly slots = new Map<string, ServiceSlot>();
  /** Slots whose address is given up, and which have connections left. */
  private readonly drainingSlots = new Set<ServiceSlot>();
  /** Generations that are replaced, and have exchanges left. */
  private readonly retiring = new Set<Generation>();
  /** Drains of addresses that are no longer listened on. */
  private readonly leaving = new Set<Promise<unknown>>();
  private generation: Generation | null = null;
  private pending: PendingChange | null = null;
  /** Puts the prepared settings of the resolver in force. */
  private adoptResolver: () => void = () => {};
  private stopping = false;
  private rootsRead = false;

  constructor(options: RuntimeOptions) {
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
   * Compiles a config and opens its access logs; changes nothing that is in force. Calls must not overlap, and each is
   * followed by `commit` or `rollback`.
   * @throws StartError; nothing is to be rolled back then
   */
  async prepare(config: Config): Promise<void> {
    refuseUnsupported(config);
    this.adoptResolver = await this.resolver.prepare(config.resolver);
    const next = await Generation.compile(config, this.environment, this.generation);
    this.pending = new PendingChange(next, this.deadlines, this.accepting);
  }

  /** Stops listening on addresses that are in the way of new ones; their sessions go on. */
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

  /** Listens again on addresses that were suspended, from sockets that are bound anew. */
  async resume(handles: ReadonlyMap<string, ServerHandle>): Promise<void> {
    for (const [key, handle] of handles) {
      const slot = this.slots.get(key);
      await slot?.resume(handle).catch((error: unknown) => this.events.acceptFailed(slot.current.name, asError(error)));
    }
  }

  /** Brings another socket on an address, which `wantSpare` has asked for. */
  giveSpare(key: string, handle: ServerHandle | undefined): void {
    const slot = this.slots.get(key) ?? this.pending?.attached.get(key);
    if (slot === undefined) handle?.close();
    else slot.giveSpare(handle);
  }

  /**
   * Puts the prepared config in force: the one step that changes what is. It cannot fail halfway.
   * @throws Error when the runtime was told to stop in the meantime; a `rollback` follows then
   */
  commit(): void {
    if (this.stopping) throw new Error('prox is stopping');
    const { next, attached } = this.prepared;
    const before = this.generation;
    this.pending = null;
    this.generation = next;
    this.adoptResolver();
    measureDescriptors();
    // And when the listeners have their spare sockets.
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

  /** What is served now; see ServingReport. */
  load(): { listen: string[]; connections: number; exchanges: number } {
    const slots = [...this.slots.values()];
    const generations = [...this.retiring, ...(this.generation === null ? [] : [this.generation])];
    return {
      listen: slots.map((slot) => slot.current.address),
      connections: [...slots, ...this.drainingSlots].reduce((sum, slot) => sum + slot.sessions.size, 0),
      exchanges: generations.reduce((sum, generation) => sum + generation.exchanges, 0),
    };
  }

  /** Forgets the prepared config, if there is one. What was in force stays in force. */
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

  /** Reading them takes some 50 ms: rather now than with the first request. */
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
