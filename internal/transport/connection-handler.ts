/** Receives the events of a connection. A connection has one handler at a time; assigning another one hands it over. */
export interface ConnectionHandler {
  /** Bytes have arrived. They may be used only during the call, unless it calls `Connection.keepReadBuffer`. */
  onData(buffer: Buffer, start: number, end: number): void;
  /** The peer has sent its last byte. It may still receive. */
  onEnd(): void;
  /** All pending bytes have been sent, after a flush that returned WriteState.full. */
  onDrain(): void;
  /** The deadline of the connection has passed. */
  onDeadline(): void;
  /**
   * No pending byte was sent for the time given to `expectDrain`. Without this method, `onDeadline` is called instead.
   */
  onStalled?(): void;
  /** The connection is closed; `error` says why if it broke. No other method is called afterwards. */
  onClose(error: Error | null): void;
  /** One of the methods above has thrown. This is a bug of prox, and must end only this connection. */
  onBroken(error: unknown): void;
}

/** The handler of a connection that has no owner yet. No event needs handling before it gets one. */
export const IDLE_HANDLER: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onDeadline() {},
  onClose() {},
  onBroken() {},
};
