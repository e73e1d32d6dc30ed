/** The topic of the control line on which workers lease bytes of shared speed limits, and give back what they do not use. */
export const SPEED_TOPIC = 'speed';

/** A worker asks for bytes; the answer is how many it gets, 1 or more, as soon as there are any. */
export interface SpeedAsk {
  /** Which limit: the same id is the same bucket, in all workers and generations. */
  readonly id: string;
  /** Megabits (10^6 bits) per second. */
  readonly mbps: number;
  /** Bytes that it wants, 1 or more. */
  readonly bytes: number;
  /** How many transfers wait for them: several workers get bytes in proportion to that. */
  readonly transfers: number;
}

/** A worker gives back bytes that it does not use. */
export interface SpeedReturn {
  readonly id: string;
  readonly bytes: number;
}
