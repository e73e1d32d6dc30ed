import type { ControlHub } from '../control/index.ts';
import { createThrottle, type Gate, type Schedule, type Throttle } from '../throttle/index.ts';
import { SPEED_TOPIC, type SpeedAsk, type SpeedReturn } from './speed-messages.ts';

/** Milliseconds for which the bucket of a limit is kept without being used. By then it is full, as a new one would be. */
const KEEP_FOR = 60_000;

/** The bucket of one limit. */
interface Bucket {
  readonly throttle: Throttle;
  /** What each worker has got with its last lease, and may not have used. */
  readonly leases: Map<number, number>;
  /** The ask of each worker that waits. */
  readonly asks: Map<number, Gate>;
  usedAt: number;
}

/** What a keeper works with. */
export interface KeeperOptions {
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  readonly schedule: Schedule;
}

/**
 * The one bucket of every shared speed limit of the daemon, in the supervisor. Workers lease bytes of it; several that wait
 * take turns. A worker asks again when its lease is used up, so what it holds is never more than one lease.
 */
export class SpeedKeeper {
  private readonly options: KeeperOptions;
  private readonly buckets = new Map<string, Bucket>();

  constructor(options: KeeperOptions) {
    this.options = options;
  }

  /** Limits that are remembered. */
  get size(): number {
    return this.buckets.size;
  }

  /** Leases bytes to a worker. @returns how many, at once or when there are some */
  lease(worker: number, { id, mbps, bytes, transfers }: SpeedAsk): Promise<number> {
    const bucket = this.bucketOf(id, mbps);
    bucket.usedAt = this.options.now();
    // An ask that the worker has given up.
    bucket.asks.get(worker)?.close();
    bucket.asks.delete(worker);
    return new Promise((resolve) => {
      const leased = (count: number): void => {
        gate.close();
        bucket.asks.delete(worker);
        bucket.leases.set(worker, count);
        resolve(count);
      };
      let granted = 0;
      // A bucket that is nearly empty has a few bytes at any time: each lease is worth its messages.
      const gate = bucket.throttle.open(() => leased(granted + gate.take(bytes - granted)), transfers);
      granted = gate.take(bytes);
      if (granted === bytes) leased(granted);
      else bucket.asks.set(worker, gate);
    });
  }

  /** Takes bytes back that a worker did not use. */
  giveBack(worker: number, { id, bytes }: SpeedReturn): void {
    const bucket = this.buckets.get(id);
    const lease = bucket?.leases.get(worker) ?? 0;
    if (bucket === undefined || lease === 0) return;
    bucket.leases.delete(worker);
    bucket.throttle.give(Math.min(bytes, lease));
  }

  /** A worker has ended: its last lease goes back, as it may not have used it. */
  gone(worker: number): void {
    for (const { throttle, leases, asks } of this.buckets.values()) {
      asks.get(worker)?.close();
      asks.delete(worker);
      throttle.give(leases.get(worker) ?? 0);
      leases.delete(worker);
    }
  }

  /** Forgets limits that are not used any more. */
  sweep(): void {
    const before = this.options.now() - KEEP_FOR;
    for (const [id, { usedAt, asks }] of this.buckets) if (asks.size === 0 && usedAt < before) this.buckets.delete(id);
  }

  private bucketOf(id: string, mbps: number): Bucket {
    const known = this.buckets.get(id);
    if (known !== undefined) return known;
    const throttle = createThrottle({ mbps, ...this.options });
    const bucket: Bucket = { throttle, leases: new Map(), asks: new Map(), usedAt: 0 };
    this.buckets.set(id, bucket);
    return bucket;
  }
}

/** Keeps the buckets for all workers. */
export function superviseSpeeds(hub: ControlHub): void {
  const schedule: Schedule = (fn, ms) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  };
  const keeper = new SpeedKeeper({ now: () => performance.now(), schedule });
  hub.onAsk(SPEED_TOPIC, (worker, payload) => keeper.lease(worker, payload as SpeedAsk));
  hub.onEvent(SPEED_TOPIC, (worker, payload) => keeper.giveBack(worker, payload as SpeedReturn));
  hub.onGone((worker) => keeper.gone(worker));
  setInterval(() => keeper.sweep(), KEEP_FOR).unref();
}
