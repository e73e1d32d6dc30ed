import { remaining, type Selection } from './selection.ts';
import type { Target } from './target.ts';

/**
 * The less busy of two different random targets (the power of two choices, Mitzenmacher 2001): nearly as even as
 * leastconn, and as cheap as random. Workers, which cannot see each other's counts, do not all choose the same target.
 */
export class TwoChoices implements Selection {
  readonly next = null;
  readonly #targets: readonly Target[];
  readonly #random: () => number;

  constructor(targets: readonly Target[], random: () => number) {
    this.#targets = targets;
    this.#random = random;
  }

  pick(_key: string | null, exclude: ReadonlySet<Target> | null): Target | null {
    const candidates = remaining(this.#targets, exclude);
    const count = candidates.length;
    if (count < 2) return candidates[0] ?? null;
    const i = Math.floor(this.#random() * count);
    // One of the other targets: numbers from i on are shifted by one.
    const other = Math.floor(this.#random() * (count - 1));
    const first = candidates[i];
    const second = candidates[other < i ? other : other + 1];
    return second.active < first.active ? second : first;
  }
}
