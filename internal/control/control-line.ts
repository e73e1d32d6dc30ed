/**
 * A worker's line to the supervisor, beside the generations. Payloads are plain data that can be cloned between processes;
 * they must not be changed once they were given.
 *
 *     updates   supervisor ──> workers   the state of a topic, by versions; a worker that starts late gets it as it stands
 *     events    worker ──> supervisor    in the order of sending; lost only with the worker
 *     asks      worker ──> supervisor    a question and its answer
 *     queries   supervisor ──> workers   the same question to every worker
 */
export interface ControlLine {
  /**
   * Tells the supervisor of an event.
   * @returns false when the event was not taken: the supervisor is gone, or is too far behind
   */
  tell(topic: string, payload: unknown): boolean;
  /**
   * Asks the supervisor.
   * @param timeoutMs milliseconds to wait for the answer
   * @throws ControlError when no answer comes in time, when the supervisor is gone or too far behind, or when the topic fails
   * or is unknown there
   */
  ask(topic: string, payload: unknown, timeoutMs: number): Promise<unknown>;
  /**
   * Follows the state of a topic: calls back at once with the state as it stands, if there is one, and later with each
   * update. Versions only grow; one that was replaced before it could be sent is left out.
   * @returns a function that ends it
   */
  follow(topic: string, onUpdate: (state: unknown, version: number) => void): () => void;
  /**
   * Answers the queries of a topic, in the place of an earlier responder.
   * @returns a function that ends it
   */
  answer(topic: string, respond: (payload: unknown) => unknown): () => void;
}

/** What one worker has answered to a query, or why it has not. */
export interface WorkerAnswer {
  /** Number of the worker, from 1; 0 when the supervisor serves itself. */
  readonly worker: number;
  /** Undefined when there is none. */
  readonly answer: unknown;
  /** Why there is no answer; null when there is one. */
  readonly error: string | null;
}

/** The supervisor's end of the lines of all workers. */
export interface ControlHub {
  /** Replaces the state of a topic and sends it to all workers. Versions count up from 1. */
  publish(topic: string, state: unknown): void;
  /** Takes the events of a topic. Each topic has one listener. */
  onEvent(topic: string, listener: (worker: number, payload: unknown) => void): void;
  /** Answers what workers ask about a topic. Each topic has one responder; it may return a promise. */
  onAsk(topic: string, respond: (worker: number, payload: unknown) => unknown): void;
  /**
   * Asks every worker.
   * @param timeoutMs milliseconds to wait for each answer
   * @returns an answer for each worker that was there, in the order of their numbers; never rejects
   */
  query(topic: string, payload: unknown, timeoutMs: number): Promise<readonly WorkerAnswer[]>;
  /** Calls back when a worker is gone: what it held is free again. Its successor comes later, with the same number. */
  onGone(listener: (worker: number) => void): void;
}
