import type { SentError } from './control-error.ts';

/** A frame from a worker. */
export type LineFrame =
  | { readonly kind: 'tell'; readonly topic: string; readonly payload: unknown }
  | {
      readonly kind: 'ask';
      readonly topic: string;
      readonly payload: unknown;
      readonly number: number;
      /** Milliseconds that the worker waits for the answer. */
      readonly timeoutMs: number;
    }
  | Reply;

/** A frame from the supervisor. */
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
 * @param sent is called in a later turn, when the system has taken the frames or has failed to
 * @throws Error if a payload cannot be cloned; then no frame was sent
 */
export type Send<F> = (frames: readonly F[], sent: () => void) => void;

/** Reports errors that no caller receives, such as a listener that throws. */
export type Report = (message: string, facts: Readonly<Record<string, unknown>>) => void;

/**
 * Limit for events that wait in a worker until the system takes them. At some 100 bytes each they take 1 MB. More events
 * would only delay a supervisor that is so far behind.
 */
export const MAX_WAITING_EVENTS = 8192;

/** Limit for asks of a worker that wait for an answer. Each has a promise and a timer, about 500 bytes. */
export const MAX_PENDING_ASKS = 8192;

/** Limit for pending queries. People and scrapers cause them, not requests. */
export const MAX_PENDING_QUERIES = 64;
