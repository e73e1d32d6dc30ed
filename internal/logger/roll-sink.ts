import { writeSync } from 'node:fs';
import { extname } from 'node:path';
import type { pino } from 'pino';
import { LOG_FILE_MODE } from './file-sink.ts';
import { removeOldFiles } from './retention.ts';
import type { Done, Report, Sink } from './sink.ts';

/** When to begin a new file, and how many to keep. At least one of frequency and size is set. */
export interface RotateOptions {
  /** `daily`, `hourly` (local time), or milliseconds. */
  readonly frequency: 'daily' | 'hourly' | number | null;
  /** Bytes; a file ends with the first batch that reaches them. */
  readonly size: number | null;
  /** Rotated files to keep beside the current one; null keeps all. */
  readonly keep: number | null;
}

/** Longer frequencies would overflow the timer of pino-roll, which then rotates without a pause: 24.8 days. */
const MAX_FREQUENCY = 2 ** 31 - 1;

/**
 * A date in the name keeps the numbers of one day apart from those of the next; without it pino-roll, started again
 * later, goes back to number 1 and appends to an old file.
 */
const DATE_FORMATS = { daily: 'yyyy-MM-dd', hourly: 'yyyy-MM-dd-HH', other: 'yyyy-MM-dd-HHmmss' } as const;

/** SonicBoom with what its types leave out: descriptor, name, and the write of its mode for buffers. */
type RollStream = Omit<ReturnType<typeof pino.destination>, 'write'> & {
  readonly fd: number;
  readonly file: string;
  write(bytes: Buffer): boolean;
};

const NOTHING = Buffer.alloc(0);

/**
 * A file that rotates itself, through pino-roll: `access.log` is written as `access.2026-03-01.1.log`, or
 * `access.1.log` when only a size is given. pino-roll writes asynchronously and retries on the next write; this sink
 * hands it one chunk at a time, so that all queueing and counting stays with LogFile.
 */
export class RollSink implements Sink {
  lostLines = 0;
  readonly #stream: RollStream;
  readonly #stem: string;
  readonly #extension: string;
  readonly #keep: number | null;
  readonly #report: Report;
  #outstanding = 0;
  #done: Done | null = null;
  #reopenDone: Done | null = null;

  private constructor(stream: RollStream, name: RollName, keep: number | null, report: Report) {
    this.#stream = stream;
    this.#stem = name.stem;
    this.#extension = name.extension;
    this.#keep = keep;
    this.#report = report;
    stream.on('write', this.#streamOnWrite);
    stream.on('drain', this.#streamOnDrain);
    stream.on('error', this.#streamOnError);
    stream.on('ready', this.#streamOnReady);
    this.#streamOnReady();
  }

  /** Opens the current file of `path`; rejects with the system's error, or when the options are out of range. */
  static async open(path: string, rotate: RotateOptions, report: Report): Promise<RollSink> {
    const { frequency, size } = rotate;
    if (typeof frequency === 'number' && !(frequency > 0 && frequency <= MAX_FREQUENCY)) {
      throw new Error(`a rotation frequency of ${frequency} ms is out of range; allowed are 1 to ${MAX_FREQUENCY} ms`);
    }
    const name = splitName(path);
    // Loaded here, as it costs 100 ms of start-up that most configs do not need.
    const { default: roll } = await import('pino-roll');
    const dateFormat = typeof frequency === 'string' ? DATE_FORMATS[frequency] : DATE_FORMATS.other;
    const stream = (await roll({
      file: name.stem + name.extension,
      mode: LOG_FILE_MODE,
      contentMode: 'buffer',
      ...(frequency === null ? {} : { frequency, dateFormat }),
      ...(size === null ? {} : { size: `${size}b` }),
    })) as unknown as RollStream;
    await new Promise<void>((resolve, reject) => stream.once('ready', resolve).once('error', reject));
    stream.removeAllListeners('error');
    return new RollSink(stream, name, rotate.keep, report);
  }

  write(chunk: Buffer, done: Done): void {
    this.#outstanding = chunk.length;
    this.#done = done;
    this.#stream.write(chunk);
  }

  retry(done: Done): void {
    this.#done = done;
    // An empty write makes SonicBoom go on with what it holds.
    this.#stream.write(NOTHING);
  }

  reopen(done: Done): void {
    this.#reopenDone = done;
    this.#stream.reopen();
  }

  close(done: Done): void {
    this.#stream.once('close', () => done(null));
    // After an error it still holds a chunk, and end() would wait for ever to write it.
    if (this.#outstanding > 0) this.#stream.destroy();
    else this.#stream.end();
  }

  /** SonicBoom's own flushSync never returns when the disk is full. */
  writeSync(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at += writeSync(this.#stream.fd, chunk, at, chunk.length - at);
  }

  #streamOnWrite = (count: number): void => {
    this.#outstanding -= count;
  };

  /** Waits for `drain` rather than the last `write`: pino-roll rotates only when the stream has drained. */
  #streamOnDrain = (): void => {
    if (this.#outstanding <= 0) this.#finish(null);
  };

  #streamOnReady = (): void => {
    this.#finishReopen(null);
    if (this.#keep === null) return;
    removeOldFiles(this.#stem, this.#extension, this.#stream.file, this.#keep).catch((error: unknown) => {
      this.#report('cannot remove old log files', { path: this.#stem + this.#extension, error });
    });
  };

  #streamOnError = (error: NodeJS.ErrnoException): void => {
    if (error.syscall === 'close') {
      this.#report('cannot close the log file that was rotated', { path: this.#stream.file, error });
      return;
    }
    if (error.syscall !== 'write') {
      // The listener that this reopen left would close a descriptor for the second time after the next one.
      this.#stream.removeAllListeners('ready');
      this.#stream.on('ready', this.#streamOnReady);
      if (this.#reopenDone === null && this.#done === null) {
        this.#report('cannot rotate the log file; the one before stays in use', { path: this.#stream.file, error });
      }
    }
    this.#finishReopen(error);
    this.#finish(error);
  };

  #finish(error: NodeJS.ErrnoException | null): void {
    const done = this.#done;
    this.#done = null;
    done?.(error);
  }

  #finishReopen(error: NodeJS.ErrnoException | null): void {
    const done = this.#reopenDone;
    this.#reopenDone = null;
    done?.(error);
  }
}

interface RollName {
  readonly stem: string;
  readonly extension: string;
}

/** Splits as pino-roll does, which wants two characters of extension at least; `.log` if there are none. */
function splitName(path: string): RollName {
  const extension = extname(path);
  if (extension.length < 3) return { stem: path, extension: '.log' };
  return { stem: path.slice(0, -extension.length), extension };
}
