import { LeastConnections } from './least-connections.ts';
import { RandomChoice } from './random-choice.ts';
import { RoundRobin } from './round-robin.ts';
import type { Selection } from './selection.ts';
import type { Target } from './target.ts';
import { TwoChoices } from './two-choices.ts';

/** roundrobin, random, leastconn as in the config; twochoices is the less busy of two random targets. */
export type BalancerType = 'roundrobin' | 'random' | 'leastconn' | 'twochoices';

/** Chooses among the targets of a route. */
export interface Balancer {
  readonly targets: readonly Target[];
  /** The target that a new balancer of the same kind should go on with; null when the order means nothing. */
  readonly next: Target | null;
  /**
   * Chooses a target and counts nothing: that is the matter of a TargetSearch.
   * @param key what balancers that look at the request choose by; null for nothing. None of today's does.
   * @param exclude targets not to choose, null for none
   * @returns null when no target is left
   */
  select(key: string | null, exclude: ReadonlySet<Target> | null): Target | null;
}

export interface BalancerOptions {
  /** Numbers in [0, 1) for the random choices; Math.random unless told. */
  readonly random?: () => number;
  /** The balancer of the same route in the generation before: the turn goes on where it stood. */
  readonly previous?: Balancer | null;
}

/**
 * Makes a balancer over targets of a TargetStore, each given once. A turn that has no predecessor begins at a random
 * target, so that many workers, or many reloads, do not all load the first one.
 *
 * A selection costs O(1), for leastconn O(n) at worst (about 4 ns a target): it stops at the first idle target, so that
 * it is short unless more requests are under way than there are targets. Routes with thousands of busy targets
 * do better with twochoices.
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
