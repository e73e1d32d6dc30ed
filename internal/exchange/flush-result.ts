/** What `flush` returns: whether the bytes were taken, and whether more may be given. */
export const FlushResult = {
  /** The kernel has taken every byte: the caller may reuse the memory of borrowed bytes. */
  taken: 0,
  /** Bytes stay in use for an unknown time: the caller must not write to their memory again. It may give more. */
  pending: 1,
  /** As `pending`, and the caller should give no more until `onDrain`. */
  full: 2,
} as const;
export type FlushResult = (typeof FlushResult)[keyof typeof FlushResult];
