/** The topic of the control line on which a worker answers with its ServingReport. */
export const SERVING_TOPIC = 'serving';

/** What a process serves at one moment. */
export interface ServingReport {
  /** Process id. */
  readonly pid: number;
  /** Number of the current config, see Change; 0 if there is none. */
  readonly generation: number;
  /** When it took effect in this process, as `Date.now()`; 0 if there is none. */
  readonly since: number;
  /** The addresses from which it accepts, as configured. */
  readonly listen: readonly string[];
  /** Number of client connections, including those of closed addresses. */
  readonly connections: number;
  /** Number of exchanges and relayed connections in progress, including those of earlier generations. */
  readonly exchanges: number;
}
