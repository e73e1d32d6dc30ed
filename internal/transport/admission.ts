import type { DescriptorBudget } from './descriptors.ts';

/** The connection counts of the sibling processes that accept from the same addresses. */
export interface Siblings {
  /** Publishes how many connections of clients this process has, and whether it accepts more. */
  note(connections: number, accepting: boolean): void;
  /** Whether this is clearly more than the accepting siblings have. */
  ahead(connections: number): boolean;
  /** Whether this is about as many as the siblings have, or fewer. */
  level(connections: number): boolean;
  /** Publishes the exact number; `note` rounds it. */
  flush(): void;
}

/** A listener that starts and stops accepting as the process requires. */
export interface Gated {
  /** Checks again whether connections may be accepted. */
  regulate(): void;
  /** With `true`, stops accepting until the siblings have caught up; with `false`, continues. */
  yield(yields: boolean): void;
}

/** Called at most once a second while connections wait because all descriptors are used up. */
export type FullReport = (facts: { readonly connections: number; readonly limit: number }) => void;

/** Milliseconds between two reports. */
const REPORT_EVERY = 1000;

/** Milliseconds after which one free descriptor is enough to accept again. Each time costs some 0.2 ms. */
const REOPEN_AFTER = 20;

/** Milliseconds between two checks while the process is full; descriptors may become free without a client leaving. */
const LOOK_AGAIN = 250;

/** Milliseconds between two checks of the siblings by a process that waits for them: at first, and at most. */
const FIRST_LOOK = 1;
const LAST_LOOK = 50;

/**
 * Milliseconds after which a process that waits for its siblings accepts the connections in the queue, and then waits
 * again. Blocked siblings are detected sooner; this limit is for siblings that run but cannot accept.
 */
const PATIENCE = 1000;

/** How often a process may wait for its siblings: this many times in a row, and then this many times per second. */
const YIELDS_AT_ONCE = 16;
const YIELDS_A_SECOND = 50;

/**
 * Decides whether this process may accept another connection. One instance serves all listeners of the process.
 *
 * - Not if descriptors run out: connections then wait in the queue of the kernel.
 * - Not for a moment if this process is ahead of its siblings. They share the listening sockets, and the one that wakes
 *   first would accept all connections that arrive together.
 */
export class Admission {
  private readonly budget: DescriptorBudget;
  private readonly siblings: Siblings | null;
  private readonly report: FullReport;
  private readonly listeners = new Set<Gated>();
  private readonly yielding = new Set<Gated>();
  private full = false;
  private reopening: NodeJS.Timeout | null = null;
  /** Runs while the process is full. */
  private again: NodeJS.Timeout | null = null;
  private looking: NodeJS.Timeout | null = null;
  private nextLook = FIRST_LOOK;
  private lookedSince = 0;
  private reportedAt = -REPORT_EVERY;
  private yields = YIELDS_AT_ONCE;
  private countedAt = 0;

  constructor(budget: DescriptorBudget, siblings: Siblings | null, report: FullReport) {
    this.budget = budget;
    this.siblings = siblings;
    this.report = report;
  }

  /** Whether there are descriptors for another connection. */
  get admits(): boolean {
    return !this.full;
  }

  join(listener: Gated): void {
    this.listeners.add(listener);
    this.tell();
  }

  leave(listener: Gated): void {
    this.listeners.delete(listener);
    this.yielding.delete(listener);
    this.tell();
  }

  /** A connection was accepted by a listener. */
  entered(listener: Gated, mayYield: boolean): void {
    const { budget, siblings } = this;
    budget.clients++;
    if (budget.clients >= budget.maxClients) this.shut();
    if (siblings === null) return;
    siblings.note(budget.clients, !this.full);
    // A listener that already yields only accepts what its siblings have left in the queue.
    if (!mayYield || this.yielding.has(listener) || !this.mayYield()) return;
    if (siblings.ahead(budget.clients)) this.yield(listener, siblings);
  }

  /** A connection has closed. */
  left(): void {
    const { budget } = this;
    budget.clients--;
    this.siblings?.note(budget.clients, !this.full);
    if (!this.full || budget.clients >= budget.maxClients) return;
    // Reopens only when several clients have left: stopping and continuing for each one would cost more than serving
    // it.
    if (budget.clients <= budget.maxClients * (15 / 16)) this.reopen();
    else this.reopening ??= setTimeout(() => this.reopen(), REOPEN_AFTER).unref();
  }

  /** A connection was refused because no descriptor was free, by a listener that cannot let it wait. */
  refused(): void {
    this.sayFull();
  }

  private shut(): void {
    this.sayFull();
    if (this.full) return;
    this.full = true;
    this.lookAgain();
    for (const listener of this.listeners) listener.regulate();
  }

  /** Checks again regularly: upstream connections count, too, and their end causes no call. */
  private lookAgain(): void {
    this.again = setTimeout(() => {
      this.reopen();
      if (this.full) this.lookAgain();
    }, LOOK_AGAIN).unref();
  }

  private reopen(): void {
    if (this.reopening !== null) clearTimeout(this.reopening);
    this.reopening = null;
    const { budget } = this;
    if (!this.full || budget.clients >= budget.maxClients) return;
    this.full = false;
    if (this.again !== null) clearTimeout(this.again);
    this.again = null;
    this.tell();
    for (const listener of this.listeners) listener.regulate();
  }

  private sayFull(): void {
    const now = performance.now();
    if (now - this.reportedAt < REPORT_EVERY) return;
    this.reportedAt = now;
    this.report({ connections: this.budget.clients, limit: this.budget.limit });
  }

  private tell(): void {
    this.siblings?.note(this.budget.clients, !this.full && this.listeners.size > 0);
  }

  private mayYield(): boolean {
    if (this.yields >= 1) return true;
    const now = performance.now();
    this.yields = Math.min(YIELDS_AT_ONCE, this.yields + ((now - this.countedAt) / 1000) * YIELDS_A_SECOND);
    this.countedAt = now;
    return this.yields >= 1;
  }

  private yield(listener: Gated, siblings: Siblings): void {
    this.yields--;
    this.yielding.add(listener);
    listener.yield(true);
    siblings.flush();
    if (this.looking !== null) return;
    this.nextLook = FIRST_LOOK;
    this.lookedSince = performance.now();
    this.lookLater(siblings);
  }

  private lookLater(siblings: Siblings): void {
    this.looking = setTimeout(() => this.look(siblings), this.nextLook).unref();
    this.nextLook = Math.min(this.nextLook * 2, LAST_LOOK);
  }

  private look(siblings: Siblings): void {
    this.looking = null;
    const listeners = [...this.yielding];
    if (siblings.level(this.budget.clients)) {
      this.yielding.clear();
      for (const listener of listeners) listener.yield(false);
      return;
    }
    this.lookLater(siblings);
    if (performance.now() - this.lookedSince < PATIENCE) return;
    this.lookedSince = performance.now();
    for (const listener of listeners) listener.yield(false);
    // The queue of the kernel has been read once by then.
    setImmediate(() => {
      for (const listener of listeners) if (this.yielding.has(listener)) listener.yield(true);
    });
  }
}
