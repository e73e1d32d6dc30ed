import { rename, stat } from 'node:fs/promises';
import { FileSink } from './file-sink.ts';
import { ignoreAbsent, RotatedFiles } from './rotated-files.ts';
import { checkFrequency, type Period, periodOf, type RotateOptions } from './rotation-period.ts';
import type { Done, Report, Sink } from './sink.ts';

/** Milliseconds until a failed rotation is tried again. */
const TRY_AGAIN_AFTER = 60_000;

/**
 * A file that rotates itself. prox always writes to the file of the configured name. When a rotation is due, the sink
 * renames that file and opens a new one before the next write, so a log without lines creates no empty files.
 *
 *     write() ── due? ── no ──────────────────────────────> FileSink.write
 *                  └── yes ─> rename ─> FileSink.reopen ──────┘
 *
 * During a restart, two processes write the file. If one of them finds a different file under the name, it opens that
 * one.
 */
export class RotatingSink implements Sink {
  readonly #path: string;
  readonly #rotate: RotateOptions;
  readonly #report: Report;
  readonly #file: FileSink;
  readonly #rotated: RotatedFiles;
  /** Size of the file in bytes, as far as this process knows. */
  #size = 0;
  #period: Period;
  /** After a failed rotation, the time of `Date.now` before which no other is tried. */
  #notBefore = -Infinity;
  /** The chunk that is written when the current rotation is over. */
  #waiting: Buffer | null = null;

  private constructor(path: string, rotate: RotateOptions, report: Report, file: FileSink) {
    this.#path = path;
    this.#rotate = rotate;
    this.#report = report;
    this.#file = file;
    this.#rotated = new RotatedFiles(path);
    this.#period = periodOf(rotate.frequency, Date.now());
    this.#lookAtFile();
  }

  /** Opens `path` for appending. Rejects with the system's error, or if an option is out of range. */
  static async open(path: string, rotate: RotateOptions, report: Report): Promise<RotatingSink> {
    checkFrequency(rotate.frequency);
    const sink = new RotatingSink(path, rotate, report, await FileSink.open(path));
    sink.#removeOld();
    return sink;
  }

  get lostLines(): number {
    return this.#file.lostLines;
  }

  set lostLines(count: number) {
    this.#file.lostLines = count;
  }

  write(chunk: Buffer, done: Done): void {
    if (!this.#isDue()) {
      this.#append(chunk, done);
      return;
    }
    void this.#appendToNew(chunk, done);
  }

  retry(done: Done): void {
    this.#file.retry(done);
  }

  reopen(done: Done): void {
    this.#file.reopen((error) => {
      if (error === null) this.#lookAtFile();
      done(error);
    });
  }

  close(done: Done): void {
    this.#file.close(done);
  }

  writeSync(chunk: Buffer): void {
    if (this.#waiting !== null) this.#file.writeSync(this.#waiting);
    this.#waiting = null;
    this.#file.writeSync(chunk);
  }

  async #appendToNew(chunk: Buffer, done: Done): Promise<void> {
    this.#waiting = chunk;
    try {
      await this.#begin();
    } catch (error) {
      this.#notBefore = Date.now() + TRY_AGAIN_AFTER;
      this.#report('cannot rotate the log file; prox continues to write to it', { path: this.#path, error });
    }
    this.#waiting = null;
    this.#append(chunk, done);
  }

  #append(chunk: Buffer, done: Done): void {
    this.#size += chunk.length;
    this.#file.write(chunk, done);
  }

  #isDue(): boolean {
    const now = Date.now();
    if (now < this.#notBefore) return false;
    return now >= this.#period.end || (this.#size > 0 && this.#size >= (this.#rotate.size ?? Infinity));
  }

  /** Renames the file, unless it is empty or another process has already renamed it, and opens a new one. */
  async #begin(): Promise<void> {
    const named = await stat(this.#path).catch(ignoreAbsent);
    const { ino, dev, size } = this.#file.stat();
    if (named?.ino === ino && named.dev === dev && size > 0) {
      await rename(this.#path, await this.#rotated.next(this.#period.label));
    }
    await new Promise<void>((resolve, reject) => {
      this.#file.reopen((error) => (error === null ? resolve() : reject(error)));
    });
    this.#notBefore = -Infinity;
    this.#period = periodOf(this.#rotate.frequency, Date.now());
    this.#size = this.#file.stat().size;
    this.#removeOld();
  }

  /** A file that already exists belongs to the period of its last line. */
  #lookAtFile(): void {
    const { size, mtimeMs } = this.#file.stat();
    this.#size = size;
    this.#period = periodOf(this.#rotate.frequency, size > 0 ? mtimeMs : Date.now());
  }

  #removeOld(): void {
    if (this.#rotate.keep === null) return;
    this.#rotated.removeOld(this.#rotate.keep).catch((error: unknown) => {
      this.#report('cannot remove old log files', { path: this.#path, error });
    });
  }
}
