import type { ControlHub } from '../../control/index.ts';
import { type KeyCounts, keyCounts } from './key-counts.ts';
import { LIMIT_TOPIC, type LimitAsk, type LimitGrant, type LimitReturns } from './limit-messages.ts';

/** Milliseconds between two sweeps for keys that need not be remembered. */
const SWEEP_EVERY = 10_000;

/** The one count of every limit plugin of the daemon, in the supervisor. Counts outlive reloads that leave a plugin as it is. */
export class LimitKeeper {
  private readonly now: () => number;
  private readonly plugins = new Map<string, KeyCounts>();

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.now = now;
  }

  /** Keys that are remembered, of all plugins. */
  get size(): number {
    let size = 0;
    for (const counts of this.plugins.values()) size += counts.size;
    return size;
  }

  take(worker: number, ask: LimitAsk): LimitGrant {
    let counts = this.plugins.get(ask.id);
    if (counts === undefined) {
      counts = keyCounts(ask.rule);
      this.plugins.set(ask.id, counts);
    }
    return counts.take(worker, ask, this.now());
  }

  giveBack(worker: number, { id, returns }: LimitReturns): void {
    const counts = this.plugins.get(id);
    const now = this.now();
    if (counts !== undefined) for (const returned of returns) counts.giveBack(worker, returned, now);
  }

  gone(worker: number): void {
    for (const counts of this.plugins.values()) counts.gone(worker);
  }

  /** Forgets what needs not be remembered: keys, and plugins of configs that are no longer in force. */
  sweep(): void {
    const now = this.now();
    for (const [id, counts] of this.plugins) {
      counts.sweep(now);
      if (counts.size === 0) this.plugins.delete(id);
    }
  }
}

/** Keeps the counts for all workers. */
export function superviseLimits(hub: ControlHub): void {
  const keeper = new LimitKeeper(() => performance.now());
  hub.onAsk(LIMIT_TOPIC, (worker, payload) => keeper.take(worker, payload as LimitAsk));
  hub.onEvent(LIMIT_TOPIC, (worker, payload) => keeper.giveBack(worker, payload as LimitReturns));
  hub.onGone((worker) => keeper.gone(worker));
  setInterval(() => keeper.sweep(), SWEEP_EVERY).unref();
}
