import { resolve } from 'node:path';
import { FileSink, isSpecial } from './file-sink.ts';
import { LogFile, type LogFileOptions } from './log-file.ts';
import { RotatingSink } from './rotating-sink.ts';
import type { RotateOptions } from './rotation-period.ts';
import type { Report, Sink } from './sink.ts';

/** The other processes that write the same log files. */
export interface Company {
  /** Opens a log that rotates. One of the processes writes it, and the others write through that one. */
  openRotating(path: string, rotate: RotateOptions, report: Report): Promise<Sink>;
}

interface Slot {
  readonly file: Promise<LogFile>;
  users: number;
}

/**
 * Every log file of the process. The same path is one file, whatever the number of routes and generations that use it:
 * each `acquire` is paired with one `release`. A new generation acquires its files before the old one releases its own,
 * so a reload keeps unchanged files open. When the last user releases a file, its lines are written and it is closed.
 */
export class LogFiles {
  readonly #report: Report;
  readonly #options: LogFileOptions;
  readonly #company: Company | null;
  readonly #slots = new Map<string, Slot>();
  readonly #keys = new Map<LogFile, string>();

  /**
   * @param report Called when a file has a problem; usually `(message, fields) => logger.warn(message, fields)`.
   * @param company The other processes that write the same files; null if there are none.
   */
  constructor(report: Report, options: LogFileOptions = {}, company: Company | null = null) {
    this.#report = report;
    this.#options = options;
    this.#company = company;
  }

  /**
   * Opens the file, or counts one more user of it. If it cannot be opened, the promise rejects with an error that names
   * the path and the reason, and there is nothing to release.
   *
   * @param rotate Rotation by prox itself, null for none. It has no effect on anything but regular files. In
   * particular, `/dev/stdout` sends access records to the standard output.
   */
  async acquire(path: string, rotate: RotateOptions | null = null): Promise<LogFile> {
    const absolute = resolve(path);
    const key =
      rotate === null ? absolute : `${absolute}\n${JSON.stringify([rotate.frequency, rotate.size, rotate.keep])}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { file: this.#open(absolute, rotate, key), users: 0 };
      this.#slots.set(key, slot);
    }
    slot.users++;
    try {
      return await slot.file;
    } catch (error) {
      if (this.#slots.get(key) === slot) this.#slots.delete(key);
      throw error;
    }
  }

  /** Ends one use of a file. Resolves when the file is closed, if that was the last. */
  async release(file: LogFile): Promise<void> {
    const key = this.#keys.get(file);
    const slot = key === undefined ? undefined : this.#slots.get(key);
    if (key === undefined || slot === undefined) throw new Error(`log file ${file.path} was released too often`);
    slot.users--;
    if (slot.users > 0) return;
    this.#slots.delete(key);
    this.#keys.delete(file);
    await file.close();
  }

  /**
   * Closes and reopens every file, for SIGHUP. Resolves when this is done for all files; problems are reported, not
   * thrown.
   */
  async reopen(): Promise<void> {
    await Promise.all([...this.#keys.keys()].map((file) => file.reopen()));
  }

  /** Resolves when every line so far is written, as far as the files take it. */
  async flush(): Promise<void> {
    await Promise.all([...this.#keys.keys()].map((file) => file.flush()));
  }

  /** Writes out and closes every file, regardless of its users. Called at the end of the process. */
  async close(): Promise<void> {
    const files = [...this.#keys.keys()];
    this.#slots.clear();
    this.#keys.clear();
    await Promise.all(files.map((file) => file.close()));
  }

  async #open(path: string, rotate: RotateOptions | null, key: string): Promise<LogFile> {
    let sink: Sink;
    try {
      const rotates = rotate !== null && !(await isSpecial(path));
      sink = rotates ? await this.#openRotating(path, rotate) : await FileSink.open(path, this.#company !== null);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`cannot open the log file ${path}: ${reason}`, { cause: error });
    }
    const file = new LogFile(path, sink, this.#report, this.#options);
    this.#keys.set(file, key);
    return file;
  }

  #openRotating(path: string, rotate: RotateOptions): Promise<Sink> {
    return this.#company === null
      ? RotatingSink.open(path, rotate, this.#report)
      : this.#company.openRotating(path, rotate, this.#report);
  }
}
