/** How a look-up ended. */
export type Answer =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; /** Seconds. */ readonly ttl: number }
  /** A server says that there is no such name, or that it has no address. */
  | { readonly kind: 'missing'; readonly reason: string }
  /** No server could tell: what was known before may still hold. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Looks a name up. Called once for a name until it has answered. */
export type Ask = (name: string, done: (answer: Answer) => void) => void;

/** What waits for the addresses of a name: a dial. */
export interface LookupWaiter {
  onAddresses(addresses: readonly string[]): void;
  onLookupFailed(error: Error): void;
}

/** An answer is kept for no less: a TTL of 0 must not make a look-up of every dial. */
const MIN_TTL_MS = 1000;

/** Nor for longer: a server that moves is found again within minutes, whatever was promised. */
const MAX_TTL_MS = 300_000;

/** How long it holds that a name does not exist: long enough to spare the servers, short for one that is being made. */
const NEGATIVE_TTL_MS = 3000;

/** How long it holds that no server could tell. */
const FAILURE_TTL_MS = 2000;

/** Milliseconds between two look-ups while old addresses are used because the servers are silent. */
const STALE_RETRY_MS = 5000;

/** How long old addresses are used while the servers are silent (RFC 8767 §5 proposes one to three days). */
const MAX_STALE_MS = 86_400_000;

/** How long a dial waits for new addresses when there are old ones. */
const STALE_WAIT_MS = 300;

/** Dials that wait for one name: beyond that, one that is dead would take the memory of the others. */
export const MAX_WAITERS = 1024;

/** Names that are looked up at once. */
export const MAX_LOOKUPS = 512;

/** Names that are remembered; the one that was answered longest ago is forgotten first. */
export const MAX_NAMES = 4096;

/**
 *              ask                 found
 *     unknown ─────> asking ──────────────────> known, until the TTL has passed ──> asking, old addresses in reserve
 *                     │  missing: an error, briefly
 *                     └─ failed:  the old addresses, where there are some; else an error, briefly
 */
interface NameRecord {
  /** What the last servers that answered have said; null when they said that there is nothing, or never answered. */
  addresses: readonly string[] | null;
  /** The answer before that one: some servers tell of a part of their addresses at a time. */
  before: readonly string[];
  /** Why there are no addresses. */
  error: Error | null;
  /** Until then nothing is asked. */
  until: number;
  /** Until then `addresses` may be used although they are old. */
  staleUntil: number;
  /** The servers did not answer last time: dials do not wait for them. */
  silent: boolean;
  /** When the look-up under way began; -1 without one. */
  askedAt: number;
  readonly waiters: Set<LookupWaiter>;
}

/** What is known about names: one look-up at a time for each, its answer kept for its TTL. Knows neither files nor sockets. */
export class NameTable {
  private readonly ask: Ask;
  private readonly clock: () => number;
  private readonly records = new Map<string, NameRecord>();
  private asking = 0;

  /** @param clock milliseconds of a monotonic clock */
  constructor(ask: Ask, clock: () => number) {
    this.ask = ask;
    this.clock = clock;
  }

  /**
   * The addresses of a name or why there are none, if that is known now; else null, and the waiter is told later, once.
   */
  lookup(name: string, waiter: LookupWaiter): readonly string[] | Error | null {
    const now = this.clock();
    const record = this.refreshed(name, now);
    if (record === null) return new Error(`${MAX_LOOKUPS} other names are being looked up`);
    if (now < record.until || (record.addresses !== null && !this.worthWaiting(record, now))) {
      return record.addresses ?? record.error;
    }
    if (record.waiters.size >= MAX_WAITERS) {
      return record.addresses ?? new Error(`${MAX_WAITERS} other connections wait for its addresses`);
    }
    record.waiters.add(waiter);
    return null;
  }

  /** The waiter is not to be told any more. The look-up goes on: its answer will be wanted. */
  leave(name: string, waiter: LookupWaiter): void {
    this.records.get(name)?.waiters.delete(waiter);
  }

  /**
   * Addresses that connections to a name may have, null when that is not known. Asks when they have grown old, as dials do.
   * An address counts as gone when the last two answers did not have it.
   */
  holding(name: string): readonly string[] | null {
    const record = this.refreshed(name, this.clock());
    if (record === null || record.addresses === null) return null;
    return [...record.addresses, ...record.before];
  }

  /** Forgets everything: the servers are others now. Look-ups under way still tell the dials that wait for them. */
  clear(): void {
    this.records.clear();
  }

  /** @returns the record of a name, asked about if need be; null when too many are */
  private refreshed(name: string, now: number): NameRecord | null {
    let record = this.records.get(name);
    if (record !== undefined && (now < record.until || record.askedAt >= 0)) return record;
    if (this.asking >= MAX_LOOKUPS) return record !== undefined && record.addresses !== null ? record : null;
    if (record === undefined) {
      record = newRecord();
      this.makeRoom();
      this.records.set(name, record);
    }
    if (record.addresses !== null && now >= record.staleUntil) record.addresses = null;
    this.begin(name, record, now);
    return record;
  }

  private begin(name: string, record: NameRecord, now: number): void {
    this.asking++;
    record.askedAt = now;
    this.ask(name, (answer) => this.answered(name, record, answer));
    if (record.addresses === null || record.silent) return;
    setTimeout(() => {
      if (record.addresses !== null) tell(record);
    }, STALE_WAIT_MS).unref();
  }

  private worthWaiting(record: NameRecord, now: number): boolean {
    return !record.silent && record.askedAt >= 0 && now - record.askedAt < STALE_WAIT_MS;
  }

  private answered(name: string, record: NameRecord, answer: Answer): void {
    const now = this.clock();
    this.asking--;
    record.askedAt = -1;
    record.silent = answer.kind === 'failed';
    if (answer.kind === 'found') {
      record.before = record.addresses ?? [];
      record.addresses = answer.addresses;
      record.error = null;
      record.until = now + Math.min(Math.max(answer.ttl * 1000, MIN_TTL_MS), MAX_TTL_MS);
      record.staleUntil = record.until + MAX_STALE_MS;
    } else if (answer.kind === 'failed' && record.addresses !== null) {
      record.until = now + STALE_RETRY_MS;
    } else {
      record.addresses = null;
      record.error = new Error(answer.reason);
      record.until = now + (answer.kind === 'missing' ? NEGATIVE_TTL_MS : FAILURE_TTL_MS);
    }
    if (this.records.get(name) === record) {
      // The last to be answered is the last to be forgotten.
      this.records.delete(name);
      this.records.set(name, record);
    }
    tell(record);
  }

  private makeRoom(): void {
    if (this.records.size < MAX_NAMES) return;
    for (const [name, record] of this.records) {
      if (record.askedAt >= 0) continue;
      this.records.delete(name);
      return;
    }
  }
}

function newRecord(): NameRecord {
  return {
    addresses: null,
    before: [],
    error: null,
    until: 0,
    staleUntil: 0,
    silent: false,
    askedAt: -1,
    waiters: new Set(),
  };
}

/** Tells every waiter. One of them may make another one leave. */
function tell({ addresses, error, waiters }: NameRecord): void {
  for (const waiter of waiters) {
    waiters.delete(waiter);
    if (addresses !== null) waiter.onAddresses(addresses);
    else waiter.onLookupFailed(error as Error);
  }
}
