import type { Config } from '../config/index.ts';
import type { LogFile, LogFiles, Logger } from '../logger/index.ts';
import { openingLog } from './start-error.ts';

/** The file that gets warnings and errors in addition to the console; a reload may change it. */
export class ErrorLog {
  private readonly files: LogFiles;
  private readonly logger: Logger;
  private file: LogFile | null = null;
  private next: LogFile | null = null;

  constructor(files: LogFiles, logger: Logger) {
    this.files = files;
    this.logger = logger;
  }

  /** Opens the log that a config names. @throws StartError if it cannot be opened */
  async prepare(config: Config): Promise<void> {
    const { errorLog, rotate } = config.logging;
    this.next =
      errorLog === null ? null : await openingLog(config, errorLog, () => this.files.acquire(errorLog, rotate));
  }

  /** Starts to use the opened log, and releases the one before. */
  async commit(): Promise<void> {
    const before = this.file;
    this.file = this.next;
    this.next = null;
    this.logger.setErrorLog(this.file);
    if (before !== null) await this.files.release(before);
  }

  /** Releases an opened log that is not needed after all. */
  async rollback(): Promise<void> {
    const { next } = this;
    this.next = null;
    if (next !== null) await this.files.release(next);
  }

  /** Logs only to the console from now on. */
  async close(): Promise<void> {
    this.next = null;
    await this.commit();
  }
}
