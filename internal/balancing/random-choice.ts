import { remaining, type Selection } from './selection.ts';
import type { Target } from './target.ts';

/** Chooses a random target; all are equally likely. */
export class RandomChoice implements Selection {
  readonly next = null;
  readonly #targets: readonly Target[];
  readonly #random: () => number;

  constructor(targets: readonly Target[], random: () => number) {
    this.#targets = targets;
    this.#random = random;
  }

  pick(_key: string | null, exclude: ReadonlySet<Target> | null): Target | null {
    const candidates = remaining(this.#targets, exclude);
    if (candidates.length === 0) return null;
    return candidates[Math.floor(this.#random() * candidates.length)];
  }
}
