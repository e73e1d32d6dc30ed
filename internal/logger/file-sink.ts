import { close, fstatSync, open, type Stats, stat, write, writeSync } from 'node:fs';
import type { Done, Sink } from './sink.ts';

/** The owner writes and the group reads: access logs contain personal data, and log shippers run in the group. */
export const LOG_FILE_MODE = 0o640;

/** Milliseconds to wait before writing again to a pipe that is full (EAGAIN). */
const PIPE_WAIT = 20;

const LINE_FEED = 10;

/**
 * Bytes that a pipe takes in one piece while other processes write to it: PIPE_BUF of Linux (POSIX guarantees 512). A
 * longer line may be interrupted by other lines. A file that was opened for appending takes any write in one piece.
 */
const PIPE_PIECE = 4096;

/** Paths that stand for descriptors of this process. Opening them by name fails if they are sockets (systemd). */
const OWN_DESCRIPTORS: Readonly<Record<string, number>> = {
  '/dev/stdout': 1,
  '/dev/stderr': 2,
  '/dev/fd/1': 1,
  '/dev/fd/2': 2,
  '/proc/self/fd/1': 1,
  '/proc/self/fd/2': 2,
};

/**
 * A file, or a descriptor that is already open, written in append mode with one write in flight.
 *
 * It is not the SonicBoom that comes with pino, for two reasons. SonicBoom's flushSync at exit never returns when the
 * disk is full, because it sleeps and tries again after every error but EAGAIN. And after a failed reopen, the next
 * reopen closes the same descriptor twice, which may close the socket of a client that got the same number in between.
 */
export class FileSink implements Sink {
  lostLines = 0;
  readonly #path: string | null;
  readonly #shared: boolean;
  #fd: number;
  /** The largest write, in bytes, so that its lines do not mix with those of other processes. */
  #most: number;
  /** The chunk that is being written or waits for a retry, and how many bytes of it are written. */
  #chunk: Buffer | null = null;
  #written = 0;
  #done: Done | null = null;

  private constructor(path: string | null, fd: number, shared: boolean) {
    this.#path = path;
    this.#shared = shared;
    this.#fd = fd;
    this.#most = mostOf(fd, shared);
  }

  /**
   * Opens `path` for appending and creates it if necessary. Rejects with the system's error.
   * @param shared whether other processes write to it, too
   */
  static async open(path: string, shared = false): Promise<FileSink> {
    const own = OWN_DESCRIPTORS[path];
    if (own !== undefined) return new FileSink(null, own, shared);
    return new Promise((resolve, reject) => {
      open(path, 'a', LOG_FILE_MODE, (error, fd) =>
        error === null ? resolve(new FileSink(path, fd, shared)) : reject(error),
      );
    });
  }

  /** Writes to a descriptor that this class neither opens nor closes, such as 2. */
  static on(fd: number, shared = false): FileSink {
    return new FileSink(null, fd, shared);
  }

  write(chunk: Buffer, done: Done): void {
    this.#chunk = chunk;
    this.#written = 0;
    this.retry(done);
  }

  retry(done: Done): void {
    this.#done = done;
    this.#writeRest();
  }

  reopen(done: Done): void {
    if (this.#path === null) {
      done(null);
      return;
    }
    open(this.#path, 'a', LOG_FILE_MODE, (error, fd) => {
      if (error !== null) {
        done(error);
        return;
      }
      const old = this.#fd;
      this.#fd = fd;
      this.#most = mostOf(fd, this.#shared);
      this.#skipTornLine();
      close(old, done);
    });
  }

  /** The system's information about the open file. */
  stat(): Stats {
    return fstatSync(this.#fd);
  }

  close(done: Done): void {
    this.#chunk = null;
    if (this.#path === null) done(null);
    else close(this.#fd, done);
  }

  writeSync(chunk: Buffer): void {
    // After an error the rest of the chunk comes first. While a write is in flight, the system already has the chunk.
    if (this.#chunk !== null && this.#done === null) this.#writeAllSync(this.#chunk, this.#written);
    this.#writeAllSync(chunk, 0);
  }

  #writeAllSync(chunk: Buffer, from: number): void {
    while (from < chunk.length) from += writeSync(this.#fd, chunk, from, chunk.length - from);
  }

  #writeRest(): void {
    const chunk = this.#chunk!;
    write(this.#fd, chunk, this.#written, this.#pieceEnd(chunk) - this.#written, null, this.#fileOnWrite);
  }

  /** The end of the next write: after the last line that fits, or after the first line if it alone is too long. */
  #pieceEnd(chunk: Buffer): number {
    if (chunk.length - this.#written <= this.#most) return chunk.length;
    const end = chunk.lastIndexOf(LINE_FEED, this.#written + this.#most - 1) + 1;
    if (end > this.#written) return end;
    return chunk.indexOf(LINE_FEED, this.#written) + 1 || chunk.length;
  }

  #fileOnWrite = (error: NodeJS.ErrnoException | null, count: number): void => {
    if (error === null) {
      this.#written += count;
      if (this.#written < this.#chunk!.length) {
        this.#writeRest();
        return;
      }
      this.#chunk = null;
    } else if (error.code === 'EAGAIN') {
      setTimeout(() => this.#writeRest(), PIPE_WAIT).unref();
      return;
    }
    const done = this.#done!;
    this.#done = null;
    done(error);
  };

  /**
   * If the beginning of a line went to the old file, skips the rest of that line, so that it does not appear in the new
   * file.
   */
  #skipTornLine(): void {
    const chunk = this.#chunk;
    if (chunk === null || this.#written === 0 || chunk[this.#written - 1] === LINE_FEED) return;
    this.#written = chunk.indexOf(LINE_FEED, this.#written) + 1;
    this.lostLines++;
  }
}

function mostOf(fd: number, shared: boolean): number {
  return shared && !fstatSync(fd).isFile() ? PIPE_PIECE : Infinity;
}

/** Whether a path exists and is not a regular file but a device, a pipe, a socket or a folder. */
export function isSpecial(path: string): Promise<boolean> {
  if (OWN_DESCRIPTORS[path] !== undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    stat(path, (error, stats) => resolve(error === null && !stats.isFile()));
  });
}
