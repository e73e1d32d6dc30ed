import type { Selection } from './selection.ts';
import type { Target } from './target.ts';

/**
 * The target with the fewest open leases; equally busy targets take turns: the scan begins after the target chosen last
 * and takes the first of the least busy. It stops at an idle target, because no target can be less busy.
 *
 * There is no index by count, because targets are shared between balancers and generations, and an index would have to
 * be updated with every lease of each of them.
 */
export class LeastConnections implements Selection {
  readonly #targets: readonly Target[];
  #cursor: number;

  constructor(targets: readonly Target[], start: number) {
    this.#targets = targets;
    this.#cursor = start;
  }

  get next(): Target | null {
    return this.#targets[this.#cursor] ?? null;
  }

  pick(_key: string | null, exclude: ReadonlySet<Target> | null): Target | null {
    const targets = this.#targets;
    const count = targets.length;
    let leastAt = -1;
    let leastActive = Number.POSITIVE_INFINITY;
    for (let seen = 0, at = this.#cursor; seen < count; seen++, at = at + 1 === count ? 0 : at + 1) {
      const target = targets[at];
      const active = target.active;
      if (active < leastActive && (exclude === null || !exclude.has(target))) {
        leastAt = at;
        leastActive = active;
        if (active === 0) break;
      }
    }
    if (leastAt < 0) return null;
    this.#cursor = leastAt + 1 === count ? 0 : leastAt + 1;
    return targets[leastAt];
  }
}
