import { LeastConnections } from './least-connections.ts';
import { RandomChoice } from './random-choice.ts';
import { RoundRobin } from './round-robin.ts';
import type { Selection } from './selection.ts';
import type { Target } from './target.ts';
import { TwoChoices } from './two-choices.ts';

/** The balancers of the config; twochoices is the less busy of two random targets. */
export type BalancerType = 'roundrobin' | 'random' | 'leastconn' | 'twochoices';

/** Chooses among the targets of a route. */
export interface Balancer {
  readonly targets: readonly Target[];
  /** The target with which a new balancer of the same kind should continue; null if the order has no meaning. */
  readonly next: Target | null;
  /**
   * Chooses a target without counting it; TargetSearch counts.
   * @param key the key for balancers that choose by a property of the request; null for none. Current balancers ignore
   * it.
   * @param exclude targets that must not be chosen, null for none
   * @returns null if no target is left
   */
  select(key: string | null, exclude: ReadonlySet<Target> | null): Target | null;
}

export interface BalancerOptions {
  /** Returns numbers in [0, 1) for random choices; Math.random by default. */
  readonly random?: () => number;
  /** The balancer of the same route in the previous generation; the new one continues its order. */
  readonly previous?: Balancer | null;
}

/**
 * Makes a balancer for targets of a TargetStore, which must all be different. An order without a predecessor begins at
 * a random target, so that many workers, or many reloads, do not all load the first one.
 *
 * A selection costs O(1), and for leastconn O(n) at worst (about 4 ns per target): it stops at the first idle target,
 * so it is long only if there are more requests in flight than targets. For routes with thousands of busy targets,
 * twochoices is better.
 */
export function createBalancer(
  type: BalancerType,
  targets: readonly Target[],
  options: BalancerOptions = {},
): Balancer {
  const random = options.random ?? Math.random;
  const start = startOf(targets, options.previous ?? null, random);
  return new SelectingBalancer(targets, selectionOf(type, targets, start, random));
}

function selectionOf(type: BalancerType, targets: readonly Target[], start: number, random: () => number): Selection {
  switch (type) {
    case 'roundrobin':
      return new RoundRobin(targets, start);
    case 'leastconn':
      return new LeastConnections(targets, start);
    case 'random':
      return new RandomChoice(targets, random);
    case 'twochoices':
      return new TwoChoices(targets, random);
  }
}

function startOf(targets: readonly Target[], previous: Balancer | null, random: () => number): number {
  const next = previous?.next ?? null;
  const known = next === null ? -1 : targets.indexOf(next);
  return known < 0 ? Math.floor(random() * targets.length) : known;
}

/** The targets of a route, and the algorithm that chooses among them. */
class SelectingBalancer implements Balancer {
  readonly targets: readonly Target[];
  readonly #selection: Selection;

  constructor(targets: readonly Target[], selection: Selection) {
    this.targets = targets;
    this.#selection = selection;
  }

  get next(): Target | null {
    return this.#selection.next;
  }

  select(key: string | null, exclude: ReadonlySet<Target> | null): Target | null {
    return this.#selection.pick(key, exclude);
  }
}
