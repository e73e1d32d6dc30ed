import { ControlError, type ControlLine } from '../../control/index.ts';
import { KeyCache } from './key-cache.ts';
import { Claim, KeyLease, type Waiter } from './key-lease.ts';
import {
  type CountRule,
  LIMIT_TOPIC,
  type LimitAsk,
  type LimitGrant,
  type LimitReturn,
  type LimitReturns,
} from './limit-messages.ts';

/** Milliseconds to wait for the supervisor, which usually answers in less than one. Without an answer, requests pass uncounted for as long. */
const ASK_PATIENCE = 1000;

/** Milliseconds in which a late answer is still read, because the admissions that it grants have to be given back. */
const LATE_PATIENCE = 60_000;

/** Milliseconds after which unused admissions that were granted ahead are given back. */
const LEASE_TIME = 200;

/** Milliseconds after which a worker asks again about a refused key: other workers may have given admissions back. */
const REFUSAL_TIME = 1000;

/** If a grant is used up within so many milliseconds, the worker asks for a larger one. */
const SOON = 100;

/** The most admissions of a key that a worker holds ahead, as a part of `max`. */
const LEASE_PART = 0.01;

/** Limit for the entries of a plugin in a worker. A dropped key costs another message to the supervisor. */
const MAX_KEYS = 16_384;

/** The parts that leases need. */
export interface LeaseOptions {
  /** See LimitAsk. */
  readonly id: string;
  readonly rule: CountRule;
  readonly line: ControlLine;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Called when the supervisor does not answer and requests pass uncounted for a while. */
  readonly failed: (error: unknown) => void;
}

/**
 * The admissions that a worker may give without asking, and the refusals that it knows, for each key of one plugin.
 *
 *     request ── leased ─────────────────> admitted without a message
 *        ├────── refused a moment ago ───> refused without a message
 *        └────── neither ── ask ─────────> the supervisor grants admissions: for waiting requests, and ahead by demand
 *
 * Each key has at most one pending ask; requests that come in the meantime wait for its answer, and if that is not enough
 * for the next one. Leases are small compared with `max`, so that one worker keeps few admissions from the others. Unused
 * ones are given back.
 */
export class LimitLeases {
  readonly rule: CountRule;
  private readonly options: LeaseOptions;
  private readonly now: () => number;
  private readonly inflight: boolean;
  /** The most admissions that may be leased ahead for a key. */
  private readonly most: number;
  private readonly keys = new KeyCache<KeyLease>(MAX_KEYS, (key) => new KeyLease(key));
  /** Entries that hold admissions ahead. */
  private readonly leased = new Set<KeyLease>();
  private sweepTimer: NodeJS.Timeout | null = null;
  /** Admissions that the next message gives back. */
  private returning = new Map<string, LimitReturn>();
  private returnTimer: NodeJS.Immediate | NodeJS.Timeout | null = null;
  /** Requests pass uncounted until this time. */
  private uncountedUntil = 0;

  constructor(options: LeaseOptions) {
    const { rule } = options;
    this.options = options;
    this.rule = rule;
    this.now = options.now;
    this.inflight = rule.type === 'inflight';
    const most = rule.type === 'rate' && rule.algorithm === 'gcra' ? Math.min(rule.max, rule.burst) : rule.max;
    this.most = Math.floor(most * LEASE_PART);
  }

  /** The entry of a key. */
  get(key: string): KeyLease {
    return this.keys.get(key);
  }

  /** Decides about a request without the supervisor, if possible. */
  claim(entry: KeyLease): Claim {
    const now = this.now();
    if (entry.held > 0 && now < entry.heldUntil) {
      entry.held--;
      return Claim.admitted;
    }
    if (now < entry.refusedUntil) return Claim.refused;
    return now < this.uncountedUntil ? Claim.uncounted : Claim.unknown;
  }

  /**
   * Asks the supervisor about a request.
   * @param signal is aborted when the request is over: other requests then use its admission
   */
  ask(entry: KeyLease, signal: AbortSignal): Promise<Claim> {
    return new Promise((resolve) => {
      entry.waiters.push({ resolve, signal });
      if (!entry.asking) void this.askForWaiters(entry);
    });
  }

  /** An admitted request is over. Only for limits of concurrent requests. */
  release(entry: KeyLease): void {
    entry.refusedUntil = 0;
    if (entry.held < this.most) {
      this.hold(entry, entry.held + 1, this.now() + LEASE_TIME);
      return;
    }
    this.giveBack(entry, 1);
    // Sent at once, because the client may send its next request to another worker as soon as it has this answer.
    this.sendReturns();
  }

  /** Gives back all admissions held ahead: the plugin is not used any more. */
  dispose(): void {
    for (const entry of this.leased) if (entry.held > 0) this.drop(entry);
    this.leased.clear();
    if (this.sweepTimer !== null) clearTimeout(this.sweepTimer);
    this.sweepTimer = null;
    this.sendReturns();
  }

  private async askForWaiters(entry: KeyLease): Promise<void> {
    entry.asking = true;
    // The line keeps the order, so the supervisor gets the returned admissions before the ask.
    this.sendReturns();
    const { id, rule } = this.options;
    try {
      while (dropOver(entry.waiters) > 0) {
        const want = entry.waiters.length;
        const ask: LimitAsk = { id, rule, key: entry.key, want, ahead: this.ahead(entry) };
        this.receive(entry, await this.granted(ask), want);
      }
    } catch (error) {
      this.uncountedUntil = this.now() + ASK_PATIENCE;
      for (const { resolve } of entry.waiters.splice(0)) resolve(Claim.uncounted);
      this.options.failed(error);
    } finally {
      entry.asking = false;
    }
  }

  /**
   * Asks the supervisor. A grant that comes too late is given back: its requests have passed uncounted, so their end would
   * not release it.
   * @throws ControlError
   */
  private async granted(ask: LimitAsk): Promise<LimitGrant> {
    const answer = this.options.line.ask(LIMIT_TOPIC, ask, LATE_PATIENCE) as Promise<LimitGrant>;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      // If this process was blocked, an answer may already have arrived. The event loop reads it before the immediate.
      timer = setTimeout(() => setImmediate(resolve, null), ASK_PATIENCE);
    });
    try {
      const grant = await Promise.race([answer, late]);
      if (grant !== null) return grant;
    } finally {
      clearTimeout(timer);
    }
    void this.giveBackLate(ask.key, answer);
    throw new ControlError('timeout', `no answer within ${ASK_PATIENCE} ms`);
  }

  private async giveBackLate(key: string, answer: Promise<LimitGrant>): Promise<void> {
    try {
      const { granted, stamp } = await answer;
      if (granted > 0) this.return(key, stamp, granted);
    } catch {
      // Without an answer there is no grant.
    }
  }

  /** How many to ask for ahead: twice as many as last time if those were needed soon, else half as many. */
  private ahead(entry: KeyLease): number {
    const soon = this.now() - entry.grantedAt < SOON;
    entry.ahead = soon ? Math.min(this.most, Math.max(1, entry.ahead * 2)) : entry.ahead >> 1;
    return Math.min(entry.ahead, this.most);
  }

  private receive(entry: KeyLease, grant: LimitGrant, want: number): void {
    const now = this.now();
    if (entry.held > 0 && grant.stamp !== entry.stamp) this.drop(entry);
    entry.stamp = grant.stamp;
    entry.left = grant.left;
    entry.freeAt = now + grant.waitMs;
    entry.resetAt = now + grant.resetMs;
    entry.grantedAt = now;
    const refused = grant.granted < want;
    if (refused || (!this.inflight && grant.left === 0))
      entry.refusedUntil = now + Math.min(grant.waitMs, REFUSAL_TIME);
    this.hold(entry, entry.held + grant.granted, now + Math.min(LEASE_TIME, grant.validMs));
    // Requests that came during the ask get the admissions that are left.
    let served = 0;
    for (const { resolve, signal } of entry.waiters) {
      if (signal.aborted) {
        served++;
        continue;
      }
      if (entry.held > 0) entry.held--;
      else if (!refused) break;
      else {
        resolve(Claim.refused);
        served++;
        continue;
      }
      resolve(Claim.admitted);
      served++;
    }
    entry.waiters.splice(0, served);
    if (this.inflight && entry.held > this.most) this.giveBack(entry, entry.held - this.most, true);
  }

  private hold(entry: KeyLease, count: number, until: number): void {
    entry.held = count;
    entry.heldUntil = until;
    if (count === 0) return;
    this.leased.add(entry);
    this.sweepTimer ??= setTimeout(() => this.sweep(), LEASE_TIME / 2).unref();
  }

  /** Gives back leased admissions that were not used in time. */
  private sweep(): void {
    this.sweepTimer = null;
    const now = this.now();
    for (const entry of this.leased) {
      if (entry.held > 0 && now < entry.heldUntil) continue;
      this.leased.delete(entry);
      if (entry.held > 0) this.drop(entry);
    }
    if (this.leased.size > 0) this.sweepTimer = setTimeout(() => this.sweep(), LEASE_TIME / 2).unref();
  }

  private drop(entry: KeyLease): void {
    entry.ahead >>= 1;
    this.giveBack(entry, entry.held, true);
  }

  private giveBack(entry: KeyLease, count: number, held = false): void {
    if (held) entry.held -= count;
    this.return(entry.key, entry.stamp, count);
  }

  private return(key: string, stamp: number, count: number): void {
    const place = `${stamp} ${key}`;
    this.returning.set(place, { key, stamp, count: count + (this.returning.get(place)?.count ?? 0) });
    this.returnTimer ??= setImmediate(() => this.sendReturns());
  }

  private sendReturns(): void {
    this.returnTimer = null;
    if (this.returning.size === 0) return;
    const message: LimitReturns = { id: this.options.id, returns: [...this.returning.values()] };
    if (this.options.line.tell(LIMIT_TOPIC, message)) this.returning.clear();
    // The supervisor is far behind, or gone. Trying again later keeps the ends of requests from being lost.
    else this.returnTimer = setTimeout(() => this.sendReturns(), LEASE_TIME).unref();
  }
}

/** Removes those whose request is over. @returns how many are left */
function dropOver(waiters: Waiter[]): number {
  let kept = 0;
  for (const waiter of waiters) if (!waiter.signal.aborted) waiters[kept++] = waiter;
  waiters.length = kept;
  return kept;
}
