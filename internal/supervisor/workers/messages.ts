import type { Problem, RotateConfig } from '../../config/index.ts';
import type { HubFrame, LineFrame } from '../../control/index.ts';
import { type Change, ListenError, StartError } from '../../dataplane/index.ts';

/**
 * What supervisor and workers say to each other. Node sends them one after another, sockets included, and keeps their
 * order.
 *
 *     supervisor                       worker
 *         │ <──────────── hello ───────── │   its code is loaded
 *         │ ──────────── setup ─────────> │
 *         │ ── prepare, address, attach,  │   each with a number, and each answered by `reply` with that number;
 *         │    commit, … ───────────────> │   one at a time, but for `ping` and `drain`, which wait for none
 *         │ <──────── want-spare ──────── │   another socket on an address, answered by
 *         │ ─────────── spare ──────────> │   `spare` at once
 *         │ <── log-open, log-write ───── │   logs that rotate have one writer: answered by `log-reply`
 *         │ <───────── control ─────────> │   frames of the control line, from `setup` on
 */

/** What a worker is told first, once. */
export interface Setup {
  readonly kind: 'setup';
  /** From 1 to the number of workers; the successor of a worker that died has the same. */
  readonly worker: number;
  /** See DataPlaneOptions. */
  readonly ticketKeys: Buffer;
  /** How many workers there are, if they share their counts of connections by descriptor COUNTS_FD; else null. */
  readonly counted: number | null;
}

/** Where a worker finds the file of SharedCounts. */
export const COUNTS_FD = 4;

/** A bound socket, which travels beside this message; `attach` or `resume` follows. */
export interface AddressMessage {
  readonly kind: 'address';
  readonly key: string;
}

/** Another socket on an address, which travels beside this message: the answer to `want-spare`. */
export interface SpareMessage {
  readonly kind: 'spare';
  readonly key: string;
}

/** What a worker is to do, see Engine. */
export type Command =
  | { readonly kind: 'prepare'; readonly change: Change }
  | { readonly kind: 'suspend'; readonly keys: readonly string[] }
  | { readonly kind: 'attach' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'reopen' }
  /** Answered at once, by a worker whose event loop runs. */
  | { readonly kind: 'ping' }
  /** The last one: the worker ends when it has answered. */
  | { readonly kind: 'drain' };

/** How a call for a rotating log ended: null, or what went wrong. */
export interface LogReply {
  readonly kind: 'log-reply';
  readonly number: number;
  readonly error: string | null;
}

/** Frames of the control line, in either direction. */
export interface ControlMessage<F> {
  readonly kind: 'control';
  readonly frames: readonly F[];
}

export type ToWorker =
  | Setup
  | AddressMessage
  | SpareMessage
  | (Command & { readonly number: number })
  | LogReply
  | ControlMessage<HubFrame>;

/** What a worker asks of the supervisor for a log that rotates. */
export type LogCall =
  /** `log` is a number that the worker has chosen. */
  | { readonly kind: 'log-open'; readonly log: number; readonly path: string; readonly rotate: RotateConfig }
  /** Whole lines. */
  | { readonly kind: 'log-write'; readonly log: number; readonly lines: Uint8Array }
  | { readonly kind: 'log-close'; readonly log: number };

export type ToSupervisor =
  | { readonly kind: 'hello' }
  /** A listener that stopped accepting for a while needs another socket to go on; not answered when the address is gone. */
  | { readonly kind: 'want-spare'; readonly key: string }
  | { readonly kind: 'reply'; readonly number: number; readonly result: Result }
  | ControlMessage<LineFrame>
  | (LogCall & { readonly number: number });

/** How a command ended. */
export type Result =
  /** `cut` is of `drain`: connections that were cut. */
  { readonly kind: 'done'; readonly cut: number } | { readonly kind: 'refused'; readonly refusal: Refusal };

/** An error on its way between processes, with what makes it one of a known class. */
export interface Refusal {
  readonly message: string;
  readonly problems: readonly Problem[] | null;
  readonly address: { readonly key: string; readonly code: string } | null;
}

export function refusalOf(error: unknown): Refusal {
  return {
    message: error instanceof Error ? error.message : String(error),
    problems: error instanceof StartError ? error.problems : null,
    address: error instanceof ListenError ? { key: error.key, code: error.code } : null,
  };
}

/** The error that `refusalOf` was made from. */
export function errorOf({ message, problems, address }: Refusal): Error {
  if (problems !== null) return new StartError(problems);
  if (address !== null) return new ListenError(address.key, address.code);
  return new Error(message);
}
