import type { Selection } from './selection.ts';
import type { Target } from './target.ts';

/** Chooses each target in turn. An excluded target loses its turn. */
export class RoundRobin implements Selection {
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
    const count = this.#targets.length;
    for (let tried = 0; tried < count; tried++) {
      const target = this.#targets[this.#cursor];
      this.#cursor = this.#cursor + 1 === count ? 0 : this.#cursor + 1;
      if (exclude === null || !exclude.has(target)) return target;
    }
    return null;
  }
}
