import { LeastConnections } from './least-connections.ts';
import { RandomChoice } from './random-choice.ts';
import { RoundRobin } from './round-robin.ts';
import type { Selection } from './selection.ts';
import type { MutableTarget, Target } from './target.ts';
import { TwoChoices } from './two-choices.ts';

/** roundrobin, random, leastconn as in the config; twochoices is the less busy of two random targets. */
export type BalancerType = 'roundrobin' | 'random' | 'leastconn' | 'twochoices';

/** Chooses among the targets of a route. */
export interface Balancer {
  readonly targets: readonly Target[];
  /** The target that a new balancer of the same kind should go on with; null when the order means nothing. */
  readonly next: Target | null;
  /**
   * Takes a target and counts it as busy until the lease is released. `exclude` holds targets that failed already for
   * the same request, null for none. Null when no target is left.
   */
  select(exclude: ReadonlySet<Target> | null): Lease | null;
}

/** A target in use. It counts once, however often it is released. */
export interface Lease {
  readonly target: Target;
  /** To be called when the response or the tunnel has ended. Calling it again changes nothing. */
  release(): void;
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
  return new LeasingBalancer(targets, selectionOf(type, targets, start, random));
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

/** Keeps the count for whatever the algorithm chooses, so that no algorithm can forget it. */
class LeasingBalancer implements Balancer {
  readonly targets: readonly Target[];
  readonly #selection: Selection;

  constructor(targets: readonly Target[], selection: Selection) {
    this.targets = targets;
    this.#selection = selection;
  }

  get next(): Target | null {
    return this.#selection.next;
  }

  select(exclude: ReadonlySet<Target> | null): Lease | null {
    const target = this.#selection.pick(exclude);
    return target === null ? null : new OpenLease(target);
  }
}

class OpenLease implements Lease {
  readonly target: Target;
  #open = true;

  constructor(target: MutableTarget) {
    this.target = target;
    target.active++;
  }

  release(): void {
    if (!this.#open) return;
    this.#open = false;
    (this.target as MutableTarget).active--;
  }
}
