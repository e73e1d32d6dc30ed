/** Where the bytes of a throttle come from. It has one user, the queue of the throttle. */
export interface ByteSource {
  /** Bytes for which a wait is worthwhile: the queue does not wait until more have come together. */
  readonly quantum: number;
  /** The smallest slice that one of several gates gets, in bytes. */
  readonly minSlice: number;
  /** Whole bytes that may pass now. */
  available(): number;
  /** Takes up to `bytes`, and returns how many there were. */
  take(bytes: number): number;
  /** Returns bytes that were taken and did not pass. */
  give(bytes: number): void;
  /**
   * Begins to wait for bytes.
   * @param wanted bytes, at most a quantum
   * @param gates that wait, with their weights
   * @param wake is called once, in a later turn, when it is time to look at what is available
   */
  wait(wanted: number, gates: number, wake: () => void): void;
  /** Nothing is waited for any more: `wake` is not called. */
  cancel(): void;
}
