import type { LoggingConfig } from '../config/index.ts';
import type { LogFile, LogFiles, Logger } from '../logger/index.ts';

/** The file that warnings and errors go to besides the console; a reload may change it. */
export class ErrorLog {
  private readonly files: LogFiles;
  private readonly logger: Logger;
  private file: LogFile | null = null;

  constructor(files: LogFiles, logger: Logger) {
    this.files = files;
    this.logger = logger;
  }

  /** Opens the log that a config names. @throws Error when it cannot be opened */
  open(config: LoggingConfig): Promise<LogFile | null> {
    return config.errorLog === null ? Promise.resolve(null) : this.files.acquire(config.errorLog, config.rotate);
  }

  /** Puts an opened log in force and lets go of the one before. */
  async use(file: LogFile | null): Promise<void> {
    const before = this.file;
    this.file = file;
    this.logger.setErrorLog(file);
    if (before !== null) await this.files.release(before);
  }

  /** Lets go of a log that was opened and is not wanted after all. */
  async discard(file: LogFile | null): Promise<void> {
    if (file !== null) await this.files.release(file);
  }
}
