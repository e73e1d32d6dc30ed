import type { SentError } from './control-error.ts';

/** What a worker sends. */
export type LineFrame =
  | { readonly kind: 'tell'; readonly topic: string; readonly payload: unknown }
  | {
      readonly kind: 'ask';
      readonly topic: string;
      readonly payload: unknown;
      readonly number: number;
      /** Milliseconds after which the worker waits no longer. */
      readonly timeoutMs: number;
    }
  | Reply;

/** What the supervisor sends. */
export type HubFrame =
  | { readonly kind: 'update'; readonly topic: string; readonly state: unknown; readonly version: number }
  | { readonly kind: 'query'; readonly topic: string; readonly payload: unknown; readonly number: number }
  | Reply;

/** Answers the ask or query with that number. */
export interface Reply {
  readonly kind: 'reply';
  readonly number: number;
  /** Undefined when there is an error. */
  readonly answer: unknown;
  readonly error: SentError | null;
}

/**
 * Sends frames to the other end, in order.
 * @param sent is called, in a later turn, when the system has taken them or never will
 * @throws Error when a payload cannot be cloned; nothing was sent then
 */
export type Send<F> = (frames: readonly F[], sent: () => void) => void;

/** Reports errors that no caller receives, such as a listener that throws. */
export type Report = (message: string, facts: Readonly<Record<string, unknown>>) => void;

/**
 * Events that wait in a worker until the system takes them. Some 100 bytes each: 1 MB. A supervisor that is this far
 * behind does not catch up by being told more.
 */
export const MAX_WAITING_EVENTS = 8192;

/** Asks of a worker that wait for an answer; each has a promise and a timer, 500 bytes or so. */
export const MAX_PENDING_ASKS = 8192;

/** Queries under way at a time. They come from people and scrapers, not from requests. */
export const MAX_PENDING_QUERIES = 64;
