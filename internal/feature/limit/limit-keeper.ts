import type { ControlHub } from '../../control/index.ts';
import { type KeyCounts, keyCounts } from './key-counts.ts';
import { LIMIT_TOPIC, type LimitAsk, type LimitGrant, type LimitReturns } from './limit-messages.ts';

/**
 * Milliseconds that an ask of a limit of concurrent requests waits for another request to end. A client that sends one
 * request after another may send the next before the worker has reported the end of the previous one.
 */
const END_WAIT = 25;

/** An ask that waits for a request of the same key to end. */
interface Waiter {
  readonly worker: number;
  readonly ask: LimitAsk;
  readonly resolve: (grant: LimitGrant) => void;
  readonly timer: NodeJS.Timeout;
}

/** Milliseconds between two sweeps that drop unused keys. */
const SWEEP_EVERY = 10_000;

/** The counts of all limit plugins of the daemon, in the supervisor. Counts outlive reloads that do not change a plugin. */
export class LimitKeeper {
  private readonly now: () => number;
  private readonly plugins = new Map<string, KeyCounts>();
  /** Waiting asks by plugin and key, the longest-waiting first. */
  private readonly waiters = new Map<string, Waiter[]>();

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number) {
    this.now = now;
  }

  /** Number of keys of all plugins. */
  get size(): number {
    let size = 0;
    for (const counts of this.plugins.values()) size += counts.size;
    return size;
  }

  /** Grants admissions: at once, or, for a limit of concurrent requests, when another request ends soon. */
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

  /** Drops unused keys, and plugins that no config in use has any more. */
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

  /** Admissions of a key were given back: grants them to the asks that wait for them. */
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
