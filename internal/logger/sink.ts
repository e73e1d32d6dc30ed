/** Called once when an operation is over, with null or with the error that ended it. */
export type Done = (error: NodeJS.ErrnoException | null) => void;

/** Reports a problem with a log file. */
export type Report = (message: string, fields: Record<string, unknown>) => void;

/**
 * The destination of the bytes of a log file. A LogFile starts one operation at a time and waits for its `done`, so a
 * sink has no queue.
 */
export interface Sink {
  /** Number of lines that the sink had to drop. The LogFile that reports them sets it back to 0. */
  lostLines: number;
  /**
   * Appends all of `chunk`, which consists of whole lines. The caller keeps it unchanged until `done`. After an error
   * the sink keeps the part that is not written yet; only `retry`, `reopen` and `close` may follow.
   */
  write(chunk: Buffer, done: Done): void;
  /** Continues with the chunk whose write failed. */
  retry(done: Done): void;
  /** Closes the file and opens it again by its name. After an error the old file is still in use. */
  reopen(done: Done): void;
  /** Closes the file. Bytes that could not be written are lost. */
  close(done: Done): void;
  /** Appends synchronously, when the process is about to end. Throws the system's error. */
  writeSync(chunk: Buffer): void;
}
