import type { Change } from '../dataplane/index.ts';
import type { BoundAddress } from '../transport/index.ts';

/** Addresses by their key. */
export type Addresses = ReadonlyMap<string, BoundAddress>;

/** Every worker ended during a change. The change may be tried again with the workers that replace them. */
export class NoWorkerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NoWorkerError';
  }
}

/**
 * The processes that serve: this process, or workers. A change goes through these steps in all of them:
 *
 *     prepare ──> (suspend) ──> attach ──> commit
 *        └────────────┴────────────┴─────> rollback ──> (resume)
 *
 * An error in a step before `commit` is the error of the change, and `rollback` follows.
 */
export interface Engine {
  /** Runs a change while no other change, and no start of a worker, is in progress. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  prepare(change: Change): Promise<void>;
  /** Stops listening on addresses in force that overlap new ones. */
  suspend(keys: readonly string[]): Promise<void>;
  /** Listens on the addresses that the change adds; connections wait there. */
  attach(addresses: Addresses): Promise<void>;
  commit(): Promise<void>;
  /** Waits until a worker serves, after a NoWorkerError. @returns false if none does in time */
  revived(): Promise<boolean>;
  rollback(): Promise<void>;
  /** Listens again on suspended addresses, which were bound again. */
  resume(addresses: Addresses): Promise<void>;
  /** Closes and opens again every log file. */
  reopenLogs(): Promise<void>;
  /** Stops accepting and lets exchanges finish. @returns how many connections were cut */
  drain(): Promise<number>;
  /** Flushes and closes every log file. Must be called after `drain`, or if no config was ever in force. */
  closeLogs(): Promise<void>;
  /** Ends at once all processes that would outlive this one. */
  kill(): void;
}
