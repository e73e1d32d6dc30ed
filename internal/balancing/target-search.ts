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
  /** Targets that must not be chosen; null for none. */
  private excluded: Set<Target> | null = null;

  constructor(balancer: Balancer) {
    this.balancer = balancer;
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
    return target;
  }

  /** The current target has failed: it is released and not tried again. */
  failed(): void {
    if (this.held === null) return;
    this.exclude(this.held);
    this.release();
  }

  /** Excludes a target from the search. */
  exclude(target: Target): void {
    (this.excluded ??= new Set()).add(target);
  }

  /** Whether `next` would find a target other than the current one. */
  hasAnother(): boolean {
    return this.balancer.targets.some((target) => target !== this.held && this.excluded?.has(target) !== true);
  }

  /** The response, the tunnel or the connection has ended. Calling this again has no effect. */
  release(): void {
    if (this.held === null) return;
    this.held.active--;
    this.held = null;
  }
}
