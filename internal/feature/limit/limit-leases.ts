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

/** Milliseconds that the supervisor may take to answer. It takes less than one; then requests go on uncounted for as long. */
const ASK_PATIENCE = 1000;

/** Milliseconds for which an answer that is not awaited any more is still taken, as what it grants has to go back. */
const LATE_PATIENCE = 60_000;

/** Milliseconds after which admissions that were granted ahead, and were not needed, go back. */
const LEASE_TIME = 200;

/** Milliseconds after which a refusal is asked about again: admissions may have come back from other workers. */
const REFUSAL_TIME = 1000;

/** A grant that is used up within so many milliseconds is followed by a greater one. */
const SOON = 100;

/** What a worker holds ahead of a key, at most, as a part of `max`. */
const LEASE_PART = 0.01;

/** Keys of a plugin that a worker has an entry for. Another one is asked for anew, which costs a message. */
const MAX_KEYS = 16_384;

/** What leases work with. */
export interface LeaseOptions {
  /** See LimitAsk. */
  readonly id: string;
  readonly rule: CountRule;
  readonly line: ControlLine;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** The supervisor does not answer: requests go on uncounted for a while. */
  readonly failed: (error: unknown) => void;
}

/**
 * What a worker may admit at once, of each key of one plugin, and what it knows to be refused.
 *
 *     request ── leased ─────────────────> admitted, without a word to anybody
 *        ├────── refused a moment ago ───> refused, likewise
 *        └────── neither ── ask ─────────> what the supervisor grants: for those that wait, and ahead by demand
 *
 * Each key has one ask under way at most; requests that come meanwhile wait for the next one. Leases are small against
 * `max`, so that little is held back where it is not needed, and go back when they are not used.
 */
export class LimitLeases {
  readonly rule: CountRule;
  private readonly options: LeaseOptions;
  private readonly now: () => number;
  private readonly inflight: boolean;
  /** What may be leased ahead for a key. */
  private readonly most: number;
  private readonly keys = new KeyCache<KeyLease>(MAX_KEYS, (key) => new KeyLease(key));
  /** Entries that hold something ahead. */
  private readonly leased = new Set<KeyLease>();
  private sweepTimer: NodeJS.Timeout | null = null;
  /** What is to go back with the next message. */
  private returning = new Map<string, LimitReturn>();
  private returnTimer: NodeJS.Immediate | NodeJS.Timeout | null = null;
  /** Until when requests go on uncounted. */
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

  /** Decides about a request at once, if that can be done here. */
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
   * @param signal is aborted when the request is over: what is granted then is for others
   */
  ask(entry: KeyLease, signal: AbortSignal): Promise<Claim> {
    return new Promise((resolve) => {
      entry.waiters.push({ resolve, signal });
      if (!entry.asking) void this.askForWaiters(entry);
    });
  }

  /** A request that was admitted is over; only for those under way. */
  release(entry: KeyLease): void {
    entry.refusedUntil = 0;
    if (entry.held < this.most) {
      this.hold(entry, entry.held + 1, this.now() + LEASE_TIME);
      return;
    }
    this.giveBack(entry, 1);
    // At once: the client may send its next request to another worker as soon as it has this answer.
    this.sendReturns();
  }

  /** Gives back all that is held ahead: the plugin is not used any more. */
  dispose(): void {
    for (const entry of this.leased) if (entry.held > 0) this.drop(entry);
    this.leased.clear();
    if (this.sweepTimer !== null) clearTimeout(this.sweepTimer);
    this.sweepTimer = null;
    this.sendReturns();
  }

  private async askForWaiters(entry: KeyLease): Promise<void> {
    entry.asking = true;
    // Its line is in order: what goes back counts before what is asked for.
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
   * What the supervisor grants. A grant that comes too late goes back: its requests went on uncounted, and would be under
   * way for good.
   * @throws ControlError
   */
  private async granted(ask: LimitAsk): Promise<LimitGrant> {
    const answer = this.options.line.ask(LIMIT_TOPIC, ask, LATE_PATIENCE) as Promise<LimitGrant>;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<null>((resolve) => {
      // An answer that came while this process stood still is read before: it comes first in the loop.
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
      // There is no answer, and so no grant.
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
    // Some of those that wait may have come while the supervisor was asked; what is left over is for them.
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

  /** Gives back what was leased and is not used. */
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
    // The supervisor is far behind, or gone. What is under way must not be forgotten to be over.
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
