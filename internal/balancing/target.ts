/** A member of a balancer. The object is its identity: two balancers that share a target share its count. */
export interface Target {
  /** The address from the config; the value of `{target}`. */
  readonly address: string;
  /**
   * Number of searches that currently hold the target, over all balancers that have it. Only TargetSearch changes it.
   */
  readonly active: number;
}

/** The target in the form that TargetSearch may change. */
export interface MutableTarget extends Target {
  active: number;
}

/**
 * The targets of a worker, one object for each address in a scope. So counts survive a reload: the new generation and
 * the one that drains use the same objects and count together.
 *
 * The store keeps no target alive: when no balancer and no search uses a target any more, it is removed together with
 * its count.
 */
export class TargetStore {
  readonly #known = new Map<string, WeakRef<MutableTarget>>();
  readonly #gone = new FinalizationRegistry<string>((key) => {
    // A new object for the same address may have been added in the meantime.
    if (this.#known.get(key)?.deref() === undefined) this.#known.delete(key);
  });

  /** Number of known targets, including those that are no longer used but not collected yet. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * The target for an address. `scope` distinguishes equal addresses that lead to different places. Pass the upstream
   * template, because `{target}` alone does not determine the port or the scheme.
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
