import type { ControlHub } from '../../control/index.ts';
import { type KeyCounts, keyCounts } from './key-counts.ts';
import { LIMIT_TOPIC, type LimitAsk, type LimitGrant, type LimitReturns } from './limit-messages.ts';

/**
 * Milliseconds that an ask for a request under way waits for another request to end. A client that sends one request after
 * another may be faster with the next one than the worker with the news that the one before is over.
 */
const END_WAIT = 25;

/** An ask that waits for a request of the same key to end. */
interface Waiter {
  readonly worker: number;
  readonly ask: LimitAsk;
  readonly resolve: (grant: LimitGrant) => void;
  readonly timer: NodeJS.Timeout;
}

/** Milliseconds between two sweeps for keys that need not be remembered. */
const SWEEP_EVERY = 10_000;

/** The one count of every limit plugin of the daemon, in the supervisor. Counts outlive reloads that leave a plugin as it is. */
export class LimitKeeper {
  private readonly now: () => number;
  private readonly plugins = new Map<string, KeyCounts>();
  /** By plugin and key, the longest-waiting first. */
  private readonly waiters = new Map<string, Waiter[]>();

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

  /** Grants admissions: at once, or for requests under way when another one ends soon. */
  take(worker: number, ask: LimitAsk): LimitGrant | Promise<LimitGrant> {
    let counts = this.plugins.get(ask.id);
    if (counts === undefined) {
      counts = keyCounts(ask.rule);
      this.plugins.set(ask.id, counts);
    }
    const grant = counts.take(worker, ask, this.now());
    return grant.granted > 0 || ask.rule.type === 'rate' ? grant : this.waitForEnd(worker, ask, grant);
  }

  giveBack(worker: number, { id, returns }: LimitReturns): void {
    const counts = this.plugins.get(id);
    const now = this.now();
    if (counts === undefined) return;
    for (const returned of returns) {
      counts.giveBack(worker, returned, now);
      this.serveWaiters(placeOf(id, returned.key));
    }
  }

  gone(worker: number): void {
    for (const counts of this.plugins.values()) counts.gone(worker);
    for (const [place, waiters] of this.waiters) {
      for (const { timer } of waiters.filter((waiter) => waiter.worker === worker)) clearTimeout(timer);
      this.keep(
        place,
        waiters.filter((waiter) => waiter.worker !== worker),
      );
      this.serveWaiters(place);
    }
  }

  /** Forgets what needs not be remembered: keys, and plugins of configs that are no longer in force. */
  sweep(): void {
    const now = this.now();
    for (const [id, counts] of this.plugins) {
      counts.sweep(now);
      if (counts.size === 0) this.plugins.delete(id);
    }
  }

  private waitForEnd(worker: number, ask: LimitAsk, refusal: LimitGrant): Promise<LimitGrant> {
    const place = placeOf(ask.id, ask.key);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.keep(place, this.waiters.get(place)?.filter((other) => other !== waiter) ?? []);
        resolve(refusal);
      }, END_WAIT);
      const waiter: Waiter = { worker, ask, resolve, timer };
      this.keep(place, [...(this.waiters.get(place) ?? []), waiter]);
    });
  }

  /** Something of a key was given back: grants it to the asks that wait for it. */
  private serveWaiters(place: string): void {
    const waiters = this.waiters.get(place) ?? [];
    let served = 0;
    for (const { worker, ask, resolve, timer } of waiters) {
      const grant = this.plugins.get(ask.id)?.take(worker, ask, this.now());
      if (grant === undefined || grant.granted === 0) break;
      clearTimeout(timer);
      resolve(grant);
      served++;
    }
    if (served > 0) this.keep(place, waiters.slice(served));
  }

  private keep(place: string, waiters: Waiter[]): void {
    if (waiters.length === 0) this.waiters.delete(place);
    else this.waiters.set(place, waiters);
  }
}

function placeOf(id: string, key: string): string {
  return `${id} ${key}`;
}

/** Keeps the counts for all workers. */
export function superviseLimits(hub: ControlHub): void {
  const keeper = new LimitKeeper(() => performance.now());
  hub.onAsk(LIMIT_TOPIC, (worker, payload) => keeper.take(worker, payload as LimitAsk));
  hub.onEvent(LIMIT_TOPIC, (worker, payload) => keeper.giveBack(worker, payload as LimitReturns));
  hub.onGone((worker) => keeper.gone(worker));
  setInterval(() => keeper.sweep(), SWEEP_EVERY).unref();
}
