import type { Balancer } from './balancer.ts';
import type { MutableTarget, Target } from './target.ts';

/**
 * The search of one request, or of one connection, for a target that can be reached. Each target is tried once, and counts as
 * busy from `next` to `failed` or `release`.
 */
export class TargetSearch {
  /** What balancers that look at the request choose by; null for nothing. */
  key: string | null = null;
  private readonly balancer: Balancer;
  private held: MutableTarget | null = null;
  /** Targets not to choose; null while there are none. */
  private excluded: Set<Target> | null = null;

  constructor(balancer: Balancer) {
    this.balancer = balancer;
  }

  /** The target in use; null while there is none. */
  get target(): Target | null {
    return this.held;
  }

  /** Takes the next target, instead of the one that is held. @returns null when none is left */
  next(): Target | null {
    this.release();
    const target: MutableTarget | null = this.balancer.select(this.key, this.excluded);
    if (target !== null) target.active++;
    this.held = target;
    return target;
  }

  /** The target that is held failed: it is released and not tried again. */
  failed(): void {
    if (this.held === null) return;
    this.exclude(this.held);
    this.release();
  }

  /** The target is not to be tried. */
  exclude(target: Target): void {
    (this.excluded ??= new Set()).add(target);
  }

  /** Whether `next` would find a target besides the one that is held. */
  hasAnother(): boolean {
    return this.balancer.targets.some((target) => target !== this.held && this.excluded?.has(target) !== true);
  }

  /** The response, the tunnel or the connection has ended. Calling it again changes nothing. */
  release(): void {
    if (this.held === null) return;
    this.held.active--;
    this.held = null;
  }
}
