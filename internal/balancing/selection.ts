import type { Target } from './target.ts';

/** An algorithm: chooses a target and counts nothing. */
export interface Selection {
  /** The target that comes next in turn; null for algorithms without a turn. */
  readonly next: Target | null;
  /** See Balancer.select. */
  pick(key: string | null, exclude: ReadonlySet<Target> | null): Target | null;
}

/** What is left to choose from. Only a request that failed somewhere excludes anything, so the copy is rare. */
export function remaining(targets: readonly Target[], exclude: ReadonlySet<Target> | null): readonly Target[] {
  return exclude === null || exclude.size === 0 ? targets : targets.filter((target) => !exclude.has(target));
}
