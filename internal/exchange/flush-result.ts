/** What `flush` says about the client. */
export const FlushResult = {
  /** Everything left for the kernel: borrowed bytes are free again. */
  taken: 0,
  /** Bytes are still in use for an unknown time: their memory must not be written to again. More may be given. */
  pending: 1,
  /** As `pending`, and no more should be given until `onDrain`. */
  full: 2,
} as const;
export type FlushResult = (typeof FlushResult)[keyof typeof FlushResult];
