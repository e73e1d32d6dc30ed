/** The result of a lookup. */
export type Answer =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; /** Seconds. */ readonly ttl: number }
  /** A server says that the name does not exist, or that it has no address. */
  | { readonly kind: 'missing'; readonly reason: string }
  /** No server gave an answer; addresses from an earlier answer may still be used. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Looks a name up. Not called again for the same name until `done` was called. */
export type Ask = (name: string, done: (answer: Answer) => void) => void;

/** A dial that waits for the addresses of a name. */
export interface LookupWaiter {
  onAddresses(addresses: readonly string[]): void;
  onLookupFailed(error: Error): void;
}

/** The shortest time that an answer is kept: with a TTL of 0, every dial would need a lookup. */
const MIN_TTL_MS = 1000;

/**
 * The longest time that an answer is kept, so that a server that moves is found again within minutes, whatever its TTL
 * was.
 */
const MAX_TTL_MS = 300_000;

/**
 * How long prox remembers that a name does not exist: long enough to spare the servers, short enough for a name that is
 * just being created.
 */
const NEGATIVE_TTL_MS = 3000;

/** How long prox remembers that no server answered. */
const FAILURE_TTL_MS = 2000;

/** Milliseconds between two lookups while prox uses old addresses because the servers do not answer. */
const STALE_RETRY_MS = 5000;

/** How long prox uses old addresses while the servers do not answer (RFC 8767 §5 proposes one to three days). */
const MAX_STALE_MS = 86_400_000;

/** How long a dial waits for new addresses if there are old ones. */
const STALE_WAIT_MS = 300;

/**
 * Number of dials that may wait for one name. Without a limit, one name that is never answered could take all memory.
 */
export const MAX_WAITERS = 1024;

/** Number of names that may be looked up at the same time. */
export const MAX_LOOKUPS = 512;

/** Number of names that are remembered. The one that was answered longest ago is forgotten first. */
export const MAX_NAMES = 4096;

/**
 *              ask                 found
 *     unknown ─────> asking ──────────────────> known, until the TTL has passed ──> asking, old addresses in reserve
 *                     │  missing: an error, briefly
 *                     └─ failed:  the old addresses, where there are some; else an error, briefly
 */
interface NameRecord {
  /** The addresses of the last answer; null if the answer was that there are none, or if no server ever answered. */
  addresses: readonly string[] | null;
  /** The addresses of the answer before that. Some servers return only some of their addresses at a time. */
  before: readonly string[];
  /** Why there are no addresses. */
  error: Error | null;
  /** No lookup starts before this time. */
  until: number;
  /** `addresses` may be used until this time although their TTL is over. */
  staleUntil: number;
  /** Whether the servers did not answer last time; dials then do not wait for them. */
  silent: boolean;
  /** When the current lookup began; -1 if there is none. */
  askedAt: number;
  readonly waiters: Set<LookupWaiter>;
}

/**
 * The known answers about names, each kept for its TTL, with one lookup at a time for each name. Uses neither files nor
 * sockets.
 */
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
   * Returns the addresses of a name, or an error that says why there are none, if that is known now. Otherwise returns
   * null, and tells the waiter later, exactly once.
   */
  lookup(name: string, waiter: LookupWaiter): readonly string[] | Error | null {
    const now = this.clock();
    const record = this.refreshed(name, now);
    if (record === null) return new Error(`too many lookups: ${MAX_LOOKUPS} other names are being looked up`);
    if (now < record.until || (record.addresses !== null && !this.worthWaiting(record, now))) {
      return record.addresses ?? record.error;
    }
    if (record.waiters.size >= MAX_WAITERS) {
      return record.addresses ?? new Error(`too many connections (${MAX_WAITERS}) wait for the addresses of this name`);
    }
    record.waiters.add(waiter);
    return null;
  }

  /** Removes a waiter. The lookup continues, because later dials will use its answer. */
  leave(name: string, waiter: LookupWaiter): void {
    this.records.get(name)?.waiters.delete(waiter);
  }

  /**
   * The addresses that connections to a name may have; null if unknown. Like a dial, it starts a lookup when the TTL is
   * over. An address no longer counts if neither of the last two answers had it.
   */
  holding(name: string): readonly string[] | null {
    const record = this.refreshed(name, this.clock());
    if (record === null || record.addresses === null) return null;
    return [...record.addresses, ...record.before];
  }

  /**
   * Discards all answers, because other servers are used from now on. Current lookups still tell the dials that wait
   * for them.
   */
  clear(): void {
    this.records.clear();
  }

  /** @returns the record of a name, with a lookup started if it needs one; null if too many lookups are in progress */
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
      // Moves the record to the end: the name that was answered last is forgotten last.
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

/** Tells every waiter. A waiter may remove another one while it is told. */
function tell({ addresses, error, waiters }: NameRecord): void {
  for (const waiter of waiters) {
    waiters.delete(waiter);
    if (addresses !== null) waiter.onAddresses(addresses);
    else waiter.onLookupFailed(error as Error);
  }
}
