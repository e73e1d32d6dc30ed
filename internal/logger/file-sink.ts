import { close, fstatSync, open, type Stats, stat, write, writeSync } from 'node:fs';
import type { Done, Sink } from './sink.ts';

/** Owner writes, group reads: access logs hold personal data, and log shippers are in the group. */
export const LOG_FILE_MODE = 0o640;

/** How long to wait for a full pipe (EAGAIN) that takes no bytes now, in milliseconds. */
const PIPE_WAIT = 20;

const LINE_FEED = 10;

/**
 * Bytes that a pipe takes as a whole, whoever else writes to it: PIPE_BUF of Linux (POSIX asks for 512). A line that is
 * longer may be torn. Files that are opened for appending take any write as a whole.
 */
const PIPE_PIECE = 4096;

/** Descriptors of this process that a path may stand for; opening them by name fails for sockets (systemd). */
const OWN_DESCRIPTORS: Readonly<Record<string, number>> = {
  '/dev/stdout': 1,
  '/dev/stderr': 2,
  '/dev/fd/1': 1,
  '/dev/fd/2': 2,
  '/proc/self/fd/1': 1,
  '/proc/self/fd/2': 2,
};

/**
 * A file, or a descriptor that is open already, written in append mode with one write in flight.
 *
 * Not SonicBoom, which pino brings: its flushSync at exit never returns when the disk is full (it sleeps and
 * tries again on every error but EAGAIN), and a reopen that failed makes a later one close the same descriptor twice,
 * which can hit a client's socket that got the number meanwhile.
 */
export class FileSink implements Sink {
  lostLines = 0;
  readonly #path: string | null;
  readonly #shared: boolean;
  #fd: number;
  /** Bytes of a write at most, so that it is not mixed with those of other processes. */
  #most: number;
  /** The chunk being written or waiting for a retry, and how much of it is written. */
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
   * Opens `path` for appending and creates it if need be; rejects with the system's error.
   * @param shared whether other processes write to it too
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

  /** Writes to a descriptor that someone else opened and closes, such as 2. */
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

  /** What the system knows of the file in use. */
  stat(): Stats {
    return fstatSync(this.#fd);
  }

  close(done: Done): void {
    this.#chunk = null;
    if (this.#path === null) done(null);
    else close(this.#fd, done);
  }

  writeSync(chunk: Buffer): void {
    // After an error the rest of the chunk comes first; while a write is in flight the system has it already.
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

  /** Where the next write ends: behind the last line that fits in, or behind a line that never would. */
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

  /** A line whose beginning went to the old file must not be continued in the new one: its rest is left out. */
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

/** Whether a path names something that exists and is no regular file: a device, a pipe, a socket, a folder. */
export function isSpecial(path: string): Promise<boolean> {
  if (OWN_DESCRIPTORS[path] !== undefined) return Promise.resolve(true);
  return new Promise((resolve) => {
    stat(path, (error, stats) => resolve(error === null && !stats.isFile()));
  });
}
