import type { ProxyError } from '../base/index.ts';
import type { FeatureSchema } from '../config/index.ts';
import type { ControlHub, ControlLine } from '../control/index.ts';
import type { Peer, Pools } from '../upstream/index.ts';
import type { FailureSubject, Filter } from './exchange.ts';
import type { Slot } from './slot.ts';

/**
 * A built-in middleware: one object for each folder of internal/feature, registered in internal/feature/list.ts.
 *
 *     schema ── checks an entry of `plugins` ──> build ──> config, plain data ── to each worker ──> compile ──> filter
 */
export interface Feature<Raw = unknown, Config = unknown> extends FeatureSchema<Raw, Config> {
  /**
   * Makes the filter of a plugin: once for each generation, whatever the number of routes that list it.
   * @param config what `build` made; in a worker a copy of it
   */
  compile(config: Config, context: CompileContext): Filter;
  /** Answers the filters of all workers, in the supervisor. Called once, before the first worker starts. */
  supervise?(hub: ControlHub): void;
}

/** What a feature compiles a plugin with. */
export interface CompileContext {
  /** The name of the plugin in the config. */
  readonly name: string;
  /** A place for the state that the filter keeps for an exchange. */
  slot<T>(): Slot<T>;
  /**
   * State that outlives a reload: made for the first generation, and given to the filter of each later one as long as the
   * plugin keeps its name and its config. The order of the calls tells several states of a plugin apart.
   */
  shared<T extends SharedState>(make: () => T): T;
  /** The line to the supervisor, where the feature's `supervise` answers. */
  readonly line: ControlLine;
  /** Connections for requests that the filter itself makes. */
  readonly pools: Pools;
  /** Names the peers that the filter sends requests to: prox keeps their idle connections while the generation serves. */
  notePeers(peers: readonly Peer[]): void;
  /**
   * Logs a warning that names the plugin.
   * @param failure given if a step of an exchange has failed and the exchange continues. Repeated warnings of this kind are
   * counted and summed up.
   */
  warn(message: string, failure?: PassedFailure): void;
}

/** A failure after which the exchange continues. */
export interface PassedFailure {
  readonly exchange: FailureSubject;
  readonly error: ProxyError;
}

/** State that filters of several generations share. */
export interface SharedState {
  /** Releases timers and similar resources: no exchange uses the state any more. */
  dispose?(): void;
}
