import type { Balancer } from './balancer.ts';
import type { MutableTarget, Target } from './target.ts';

/**
 * The search of one request, or of one connection, for a target that can be reached. Each target is tried once. It
 * counts as busy from `next` until `failed` or `release`.
 */
export class TargetSearch {
  /** The key for balancers that choose by a property of the request; null for none. */
  key: string | null = null;
  private readonly balancer: Balancer;
  private held: MutableTarget | null = null;
  /** The target that `next` returned last, even when it was released since. */
  private latest: Target | null = null;
  /** Targets that must not be chosen; null for none. */
  private excluded: Set<Target> | null = null;

  constructor(balancer: Balancer) {
    this.balancer = balancer;
  }

  /** All targets of the balancer, those included that are not to be tried. */
  get targets(): readonly Target[] {
    return this.balancer.targets;
  }

  /** The current target; null if there is none. */
  get target(): Target | null {
    return this.held;
  }

  /** Replaces the current target by the next one. @returns null if none is left */
  next(): Target | null {
    this.release();
    const target: MutableTarget | null = this.balancer.select(this.key, this.excluded);
    if (target !== null) target.active++;
    this.held = target;
    this.latest = target;
    return target;
  }

  /** The target that `next` returned last has failed: it is released and not tried again. */
  failed(): void {
    if (this.latest !== null) this.exclude(this.latest);
    this.release();
  }

  /** Excludes a target from the search. */
  exclude(target: Target): void {
    (this.excluded ??= new Set()).add(target);
  }

  /** Whether there is a target to try besides the one that `next` returned last. */
  hasAnother(): boolean {
    return this.balancer.targets.some((target) => target !== this.latest && this.excluded?.has(target) !== true);
  }

  /** The response, the tunnel or the connection has ended. Calling this again has no effect. */
  release(): void {
    if (this.held === null) return;
    this.held.active--;
    this.held = null;
  }
}
