import type { BuiltInPluginConfig, Config } from '../config/index.ts';
import { type CompileContext, type Feature, type Filter, type PassedFailure, SlotNumbers } from '../exchange/index.ts';
import type { ControlLine } from '../control/index.ts';
import type { Peer, Pools } from '../upstream/index.ts';
import type { HeldStates, PluginStates } from './plugin-states.ts';

/** The dependencies of compiling plugins. */
export interface PluginDependencies {
  /** All middlewares. */
  readonly features: readonly Feature[];
  readonly states: PluginStates;
  readonly line: ControlLine;
  readonly pools: Pools;
  /** Logs a warning of a plugin. */
  pluginWarned(plugin: string, message: string, failure?: PassedFailure): void;
}

/** The filters of one generation by the name of their plugin. Each filter is made when a route first needs it. */
export class CompiledPlugins {
  private readonly configs: Config['plugins'];
  private readonly dependencies: PluginDependencies;
  private readonly notePeers: (peers: readonly Peer[]) => void;
  private readonly slots = new SlotNumbers();
  private readonly filters = new Map<string, Filter>();
  private readonly held = new Map<string, HeldStates>();

  /** @param notePeers called with every peer to which a plugin may send */
  constructor(config: Config, dependencies: PluginDependencies, notePeers: (peers: readonly Peer[]) => void) {
    this.notePeers = notePeers;
    this.configs = config.plugins;
    this.dependencies = dependencies;
  }

  /** The filters of built-in plugins, in the same order. Routes that list the same plugin share its filter. */
  all(names: readonly string[]): Filter[] {
    return names.map((name) => this.get(name));
  }

  private get(name: string): Filter {
    const known = this.filters.get(name);
    if (known !== undefined) return known;
    const config = this.configs[name];
    const feature = this.dependencies.features.find(({ category }) => category === config?.category);
    // External plugins were refused before; see unsupported.ts.
    if (feature === undefined) throw new Error(`no built-in middleware runs the plugin ${name}`);
    const builtIn = config as BuiltInPluginConfig;
    const filter = feature.compile(builtIn.config, this.contextOf(name, builtIn));
    this.filters.set(name, filter);
    return filter;
  }

  /** Releases the resources of the filters, after the last exchange of the generation. */
  dispose(): void {
    for (const filter of this.filters.values()) filter.dispose?.();
    for (const [name, held] of this.held) this.dependencies.states.release(name, held);
    this.filters.clear();
    this.held.clear();
  }

  private contextOf(name: string, config: BuiltInPluginConfig): CompileContext {
    const held = this.dependencies.states.acquire(name, config);
    this.held.set(name, held);
    let asked = 0;
    return {
      name,
      line: this.dependencies.line,
      pools: this.dependencies.pools,
      notePeers: this.notePeers,
      slot: () => this.slots.next(),
      shared: (make) => {
        const state = (held.states[asked] ??= make());
        asked++;
        // The same feature asks in the same order, so this state is one that it has made.
        return state as ReturnType<typeof make>;
      },
      warn: (message, failure) => this.dependencies.pluginWarned(name, message, failure),
    };
  }
}
