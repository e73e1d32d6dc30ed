/** A member of a balancer. The object is its identity: two balancers that share a target share its count. */
export interface Target {
  /** As the config has it; what `{target}` stands for. */
  readonly address: string;
  /** Searches that hold the target now, over all balancers that have it. Only TargetSearch changes it. */
  readonly active: number;
}

/** The target as TargetSearch sees it. */
export interface MutableTarget extends Target {
  active: number;
}

/**
 * The targets of a worker, one object for each address in a scope, so that counts survive a reload: the generation
 * that comes and the one that drains hold the same objects, and count together.
 *
 * The store holds no target alive: one that no balancer and no search knows any more is forgotten with its count.
 */
export class TargetStore {
  readonly #known = new Map<string, WeakRef<MutableTarget>>();
  readonly #gone = new FinalizationRegistry<string>((key) => {
    // The address may have come back in the meantime with a new object.
    if (this.#known.get(key)?.deref() === undefined) this.#known.delete(key);
  });

  /** How many targets are known, the forgotten ones that were not yet collected included. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * The target for an address. `scope` tells apart addresses that lead to different places: give it the upstream template,
   * as `{target}` alone does not say which port or scheme is meant.
   */
  get(address: string, scope: string): Target {
    const key = `${scope}\n${address}`;
    const known = this.#known.get(key)?.deref();
    if (known !== undefined) return known;
    const target: MutableTarget = { address, active: 0 };
    this.#known.set(key, new WeakRef(target));
    this.#gone.register(target, key);
    return target;
  }
}
