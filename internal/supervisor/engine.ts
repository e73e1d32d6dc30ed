import type { Change } from '../dataplane/index.ts';
import type { BoundAddress } from '../transport/index.ts';

/** Addresses by their key. */
export type Addresses = ReadonlyMap<string, BoundAddress>;

/** A change came to nothing as every worker ended meanwhile: it may be tried again with those that take their places. */
export class NoWorkerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoWorkerError';
  }
}

/**
 * What serves: this process, or workers. A change goes through the steps of the runtime in all of them:
 *
 *     prepare ──> (suspend) ──> attach ──> commit
 *        └────────────┴────────────┴─────> rollback ──> (resume)
 *
 * An error of a step before `commit` is the error of the change, and `rollback` follows.
 */
export interface Engine {
  /** Runs a change while no other one, and no start of a worker, is under way. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  prepare(change: Change): Promise<void>;
  /** Stops listening on addresses in force that are in the way. */
  suspend(keys: readonly string[]): Promise<void>;
  /** Listens on the addresses that the change adds; connections wait there. */
  attach(addresses: Addresses): Promise<void>;
  commit(): Promise<void>;
  /** Waits until something serves, after a NoWorkerError. @returns false when nothing does in time */
  revived(): Promise<boolean>;
  rollback(): Promise<void>;
  /** Listens again on suspended addresses, which were bound anew. */
  resume(addresses: Addresses): Promise<void>;
  /** Closes and opens again every log file. */
  reopenLogs(): Promise<void>;
  /** Stops accepting and lets exchanges finish. @returns how many connections were cut */
  drain(): Promise<number>;
  /** Writes out and closes every log file. To be called after `drain`, or when nothing was ever in force. */
  closeLogs(): Promise<void>;
  /** Ends at once whatever would outlive this process. */
  kill(): void;
}
