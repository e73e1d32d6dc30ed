/** What happens on a connection. One handler at a time; a hand-over is one assignment. */
export interface ConnectionHandler {
  /** Bytes came. They are borrowed until the call returns, unless `Connection.keepReadBuffer` is called in it. */
  onData(buffer: Buffer, start: number, end: number): void;
  /** The peer has sent its last byte; it may still read. */
  onEnd(): void;
  /** What was pending has left, after a flush that returned WriteState.full. */
  onDrain(): void;
  /** The deadline of the connection has passed. */
  onDeadline(): void;
  /** Not one pending byte has left for as long as `expectDrain` said. Without this method it is told as a deadline. */
  onStalled?(): void;
  /** The connection is gone for good; `error` says why if it broke. Nothing is called after this. */
  onClose(error: Error | null): void;
  /** One of the methods above has thrown: a fault of prox, which must cost this connection alone. */
  onBroken(error: unknown): void;
}
