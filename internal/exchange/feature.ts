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
   * plugin keeps its name and its config. Several states of a plugin are told apart by the order of the calls.
   */
  shared<T extends SharedState>(make: () => T): T;
  /** The line to the supervisor, where the feature's `supervise` answers. */
  readonly line: ControlLine;
  /** Connections for requests of the filter's own. */
  readonly pools: Pools;
  /** Notes peers that the filter sends requests to: their idle connections are kept while the generation is in force. */
  notePeers(peers: readonly Peer[]): void;
  /**
   * Logs a warning that names the plugin.
   * @param failure what it is about, when an exchange goes on though something has failed for it: such warnings are counted
   * when they come again and again
   */
  warn(message: string, failure?: PassedFailure): void;
}

/** A failure that its exchange goes on after. */
export interface PassedFailure {
  readonly exchange: FailureSubject;
  readonly error: ProxyError;
}

/** State that filters of several generations share. */
export interface SharedState {
  /** Lets go of timers and the like: no exchange uses the state any more. */
  dispose?(): void;
}
