import type { Target } from './target.ts';

/** An algorithm that chooses a target without counting it. */
export interface Selection {
  /** The next target in order; null for algorithms without an order. */
  readonly next: Target | null;
  /** See Balancer.select. */
  pick(key: string | null, exclude: ReadonlySet<Target> | null): Target | null;
}

/** The targets that may be chosen. Only a request that has failed somewhere excludes any, so a copy is rare. */
export function remaining(targets: readonly Target[], exclude: ReadonlySet<Target> | null): readonly Target[] {
  return exclude === null || exclude.size === 0 ? targets : targets.filter((target) => !exclude.has(target));
}
