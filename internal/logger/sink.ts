/** Called once, when an operation is over: with null, or with the error that ended it. */
export type Done = (error: NodeJS.ErrnoException | null) => void;

/** Reports trouble with a log file to people. */
export type Report = (message: string, fields: Record<string, unknown>) => void;

/**
 * Where the bytes of a log file go. A LogFile starts one operation at a time and waits for its `done`, so a sink
 * holds no queue.
 */
export interface Sink {
  /** Lines that the sink had to give up; whoever reports them sets it back to 0. */
  lostLines: number;
  /**
   * Appends all of `chunk`, whole lines, and leaves it to the caller to keep it unchanged until `done`. After an error
   * the sink keeps what is not written yet; only `retry`, `reopen` and `close` may follow.
   */
  write(chunk: Buffer, done: Done): void;
  /** Goes on with the chunk whose write failed. */
  retry(done: Done): void;
  /** Closes the file and opens it again by its name. After an error the old file is still in use. */
  reopen(done: Done): void;
  /** Closes the file; what could not be written is given up. */
  close(done: Done): void;
  /** Appends at once, when the process is about to end. Throws what the system says. */
  writeSync(chunk: Buffer): void;
}
