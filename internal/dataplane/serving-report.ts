/** The topic of the control line on which a worker answers with its ServingReport. */
export const SERVING_TOPIC = 'serving';

/** What a process serves at a moment. */
export interface ServingReport {
  /** Process id. */
  readonly pid: number;
  /** Number of the config in force, see Change; 0 while there is none. */
  readonly generation: number;
  /** When it came in force in this process, as `Date.now()`; 0 while there is none. */
  readonly since: number;
  /** The addresses that it accepts from, as configured. */
  readonly listen: readonly string[];
  /** Connections of clients, those of addresses that are given up included. */
  readonly connections: number;
  /** Exchanges and relayed connections under way, those of earlier generations included. */
  readonly exchanges: number;
}
