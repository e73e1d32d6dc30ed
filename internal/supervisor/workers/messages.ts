import type { Problem, RotateConfig } from '../../config/index.ts';
import type { HubFrame, LineFrame } from '../../control/index.ts';
import { type Change, ListenError, StartError } from '../../dataplane/index.ts';

/**
 * The messages between supervisor and workers. Node sends them one after another, sockets included, and keeps their
 * order.
 *
 *     supervisor                       worker
 *         │ <──────────── hello ───────── │   its code is loaded
 *         │ ──────────── setup ─────────> │
 *         │ ── prepare, address, attach,  │   each with a number, and each answered by `reply` with that number;
 *         │    commit, … ───────────────> │   one at a time, except for `ping` and `drain`, which do not wait
 *         │ <──────── want-spare ──────── │   a request for another socket on an address,
 *         │ ─────────── spare ──────────> │   answered by `spare` at once
 *         │ <── log-open, log-write ───── │   logs that rotate have one writer: answered by `log-reply`
 *         │ <───────── control ─────────> │   frames of the control line, from `setup` on
 */

/** The first message to a worker, sent once. */
export interface Setup {
  readonly kind: 'setup';
  /** From 1 to the number of workers; the replacement of a worker has the same number. */
  readonly worker: number;
  /** See DataPlaneOptions. */
  readonly ticketKeys: Buffer;
  /** The number of workers if they share their connection counts through descriptor COUNTS_FD; otherwise null. */
  readonly counted: number | null;
}

/** The descriptor of the SharedCounts file in a worker. */
export const COUNTS_FD = 4;

/** A bound socket, which is sent with this message; `attach` or `resume` follows. */
export interface AddressMessage {
  readonly kind: 'address';
  readonly key: string;
}

/** Another socket on an address, which is sent with this message: the answer to `want-spare`. */
export interface SpareMessage {
  readonly kind: 'spare';
  readonly key: string;
}

/** A command to a worker, see Engine. */
export type Command =
  | { readonly kind: 'prepare'; readonly change: Change }
  | { readonly kind: 'suspend'; readonly keys: readonly string[] }
  | { readonly kind: 'attach' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'rollback' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'reopen' }
  /** Answered at once, unless the event loop of the worker is blocked. */
  | { readonly kind: 'ping' }
  /** The last command: the worker ends after its answer. */
  | { readonly kind: 'drain' };

/** The result of a call for a rotating log: null, or the error. */
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

/** A call of a worker for a log that rotates. */
export type LogCall =
  /** `log` is a number that the worker chooses. */
  | { readonly kind: 'log-open'; readonly log: number; readonly path: string; readonly rotate: RotateConfig }
  /** Whole lines. */
  | { readonly kind: 'log-write'; readonly log: number; readonly lines: Uint8Array }
  | { readonly kind: 'log-close'; readonly log: number };

export type ToSupervisor =
  | { readonly kind: 'hello' }
  /**
   * A listener that stopped accepting for a while needs another socket to continue. There is no answer if the address
   * is closed.
   */
  | { readonly kind: 'want-spare'; readonly key: string }
  | { readonly kind: 'reply'; readonly number: number; readonly result: Result }
  | ControlMessage<LineFrame>
  | (LogCall & { readonly number: number });

/** How a command ended. */
export type Result =
  /** `cut` belongs to `drain`: the number of connections that were cut. */
  { readonly kind: 'done'; readonly cut: number } | { readonly kind: 'refused'; readonly refusal: Refusal };

/** An error that is sent between processes, with the data that restore its class. */
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

/** Restores the error that was given to `refusalOf`. */
export function errorOf({ message, problems, address }: Refusal): Error {
  if (problems !== null) return new StartError(problems);
  if (address !== null) return new ListenError(address.key, address.code);
  return new Error(message);
}
