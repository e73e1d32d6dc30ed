import { isDeepStrictEqual } from 'node:util';
import type { BuiltInPluginConfig } from '../config/index.ts';
import type { SharedState } from '../exchange/index.ts';

/** The states that plugins share with the generations before and after. */
export class PluginStates {
  private readonly byName = new Map<string, HeldStates[]>();

  /** The states of a plugin of that name and config; to be released once. */
  acquire(name: string, config: BuiltInPluginConfig): HeldStates {
    let all = this.byName.get(name);
    if (all === undefined) this.byName.set(name, (all = []));
    let held = all.find((each) => isDeepStrictEqual(each.config, config));
    if (held === undefined) all.push((held = new HeldStates(config)));
    held.holders++;
    return held;
  }

  /** A generation does not use them any more; the last one disposes of them. */
  release(name: string, held: HeldStates): void {
    if (--held.holders > 0) return;
    const left = (this.byName.get(name) ?? []).filter((each) => each !== held);
    if (left.length === 0) this.byName.delete(name);
    else this.byName.set(name, left);
    for (const state of held.states) state.dispose?.();
  }
}

/** The states of the plugins of one name and config, in the order in which they ask for them. */
class HeldStates {
  readonly config: BuiltInPluginConfig;
  readonly states: SharedState[] = [];
  /** Number of generations that use them. */
  holders = 0;

  constructor(config: BuiltInPluginConfig) {
    this.config = config;
  }
}

export type { HeldStates };
