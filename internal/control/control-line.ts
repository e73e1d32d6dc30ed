/**
 * A worker's line to the supervisor. Generations travel separately. Payloads are plain data that can be cloned between
 * processes; the caller must not change a payload after it has passed it.
 *
 *     updates   supervisor ──> workers   versions of the state of a topic; a worker that starts later gets the latest one
 *     events    worker ──> supervisor    in the order of sending; lost only if the worker dies
 *     asks      worker ──> supervisor    a question and its answer
 *     queries   supervisor ──> workers   the same question to every worker
 */
export interface ControlLine {
  /**
   * Tells the supervisor of an event.
   * @returns false if the event was not accepted: the supervisor is gone, or is too far behind
   */
  tell(topic: string, payload: unknown): boolean;
  /**
   * Asks the supervisor.
   * @param timeoutMs milliseconds to wait for the answer
   * @throws ControlError if no answer comes in time, if the supervisor is gone or too far behind, or if its responder fails
   * or does not exist
   */
  ask(topic: string, payload: unknown, timeoutMs: number): Promise<unknown>;
  /**
   * Follows the state of a topic: calls back at once with the current state, if there is one, and later with each update.
   * Version numbers increase; a version that was replaced before it could be sent is skipped.
   * @returns a function that stops following
   */
  follow(topic: string, onUpdate: (state: unknown, version: number) => void): () => void;
  /**
   * Answers the queries of a topic; replaces an earlier responder.
   * @returns a function that removes the responder
   */
  answer(topic: string, respond: (payload: unknown) => unknown): () => void;
}

/** The answer of one worker to a query, or why there is none. */
export interface WorkerAnswer {
  /** Number of the worker, from 1; 0 if the supervisor itself serves. */
  readonly worker: number;
  /** Undefined if there is no answer. */
  readonly answer: unknown;
  /** Why there is no answer; null if there is one. */
  readonly error: string | null;
}

/** The supervisor's end of the lines of all workers. */
export interface ControlHub {
  /** Replaces the state of a topic and sends it to all workers. Versions count up from 1. */
  publish(topic: string, state: unknown): void;
  /** Sets the listener for the events of a topic. Each topic has one. */
  onEvent(topic: string, listener: (worker: number, payload: unknown) => void): void;
  /** Sets the responder to the asks of a topic. Each topic has one; it may return a promise. */
  onAsk(topic: string, respond: (worker: number, payload: unknown) => unknown): void;
  /**
   * Asks every worker.
   * @param timeoutMs milliseconds to wait for each answer
   * @returns an answer for each connected worker, in the order of their numbers; never rejects
   */
  query(topic: string, payload: unknown, timeoutMs: number): Promise<readonly WorkerAnswer[]>;
  /** Calls back when a worker is gone, to free what it held. Its successor connects later, with the same number. */
  onGone(listener: (worker: number) => void): void;
}
