import { flushAtExit, forgetAtExit, isExiting } from './exit-flush.ts';
import type { Report, Sink } from './sink.ts';

/** Limits of a log file. Only tests need other values than the defaults. */
export interface LogFileOptions {
  /** Characters that are collected before a write. At some 550 per record, 120 requests share the 14 µs of a write. */
  readonly batchSize?: number;
  /** Milliseconds that a line waits in memory at most; also the time between attempts when writing fails. */
  readonly flushEvery?: number;
  /** Bytes that are kept while a file accepts none: enough for nearly half a second at 25,000 requests a second. */
  readonly maxPending?: number;
  /** Milliseconds that flush, reopen and close wait for a file that accepts no bytes. */
  readonly patience?: number;
  /** Milliseconds between two warnings about the same file, so that a full disk does not fill the console, too. */
  readonly warnEvery?: number;
  /** `latin1` is faster, and suits lines in ASCII. */
  readonly encoding?: 'latin1' | 'utf8';
}

const DEFAULTS: Required<LogFileOptions> = {
  batchSize: 65_536,
  // A person who watches a log sees the line at once; a longer time would collect more only below 50 requests a second.
  flushEvery: 150,
  maxPending: 4 * 1024 * 1024,
  patience: 2000,
  warnEvery: 60_000,
  encoding: 'latin1',
};

/** An entry of the queue: lines to write, a reopen, or a promise to resolve when everything before it is written. */
type Entry =
  | { readonly kind: 'lines'; readonly bytes: Buffer; readonly lines: number }
  | { readonly kind: 'reopen'; readonly done: () => void }
  | { readonly kind: 'mark'; readonly done: () => void };

/**
 * A log file: collects lines, writes them in large pieces without blocking, and continues when writing fails.
 *
 *     write() ─> batch ─ full, or flushEvery ─> queue of entries ─ one at a time ─> sink
 *
 * Entries keep their order, so lines written before a reopen are in the old file and later lines in the new one. While
 * the sink fails (disk full), it tries its chunk again every flushEvery, the queue grows up to maxPending, and further
 * lines are dropped and counted. A reopen does not wait for the failing sink, because the new file may end the problem.
 */
export class LogFile {
  /** Absolute path of the file, or a name for the console. */
  readonly path: string;
  readonly #sink: Sink;
  readonly #report: Report;
  readonly #options: Required<LogFileOptions>;

  #batch = '';
  #batchLines = 0;
  readonly #queue: Entry[] = [];
  #queuedBytes = 0;
  /** The chunk that the sink is writing or has failed to write. */
  #current: { readonly bytes: Buffer; readonly lines: number } | null = null;
  /** Whether an operation of the sink is in progress. */
  #busy = false;
  #failing = false;
  #reopenFailed = false;
  #closed = false;
  /** Whether the file was closed before the sink had finished its operation. */
  #abandoned = false;
  #sendPlanned = false;
  #timer: NodeJS.Timeout | null = null;
  /** The bytes of an ordinary batch. The buffer is reused, because allocating it would cost as much as writing it. */
  #scratch: Buffer | null = null;
  #scratchFree = true;

  #dropped = 0;
  #warnedAt = -Infinity;
  /** Whether a warning was logged; the end of the problem is then logged, too. */
  #warned = false;

  constructor(path: string, sink: Sink, report: Report, options: LogFileOptions = {}) {
    this.path = path;
    this.#sink = sink;
    this.#report = report;
    this.#options = { ...DEFAULTS, ...options };
    flushAtExit(this);
  }

  /** Accepts one line, which ends with its only line feed. Never blocks and never throws. */
  write(line: string): void {
    if (this.#closed) {
      this.#dropped++;
      return;
    }
    this.#batch += line;
    this.#batchLines++;
    if (this.#batch.length >= this.#options.batchSize) this.#send();
    else if (this.#timer === null) this.#startTimer();
  }

  /**
   * Writes the collected lines at the end of this turn of the event loop, without waiting for more. It does not write
   * at once: a write in flight may be lost if the process exits in the same turn, as after a fatal error, while lines
   * in memory are flushed at exit.
   */
  send(): void {
    if (this.#sendPlanned) return;
    this.#sendPlanned = true;
    setImmediate(this.#loopOnTurn);
  }

  #loopOnTurn = (): void => {
    this.#sendPlanned = false;
    this.#send();
  };

  /**
   * Resolves when all lines so far are written, when writing fails, or when the file accepts no bytes for `patience`.
   */
  flush(): Promise<void> {
    return this.#enqueueAndWait('mark');
  }

  /**
   * Closes the file and opens it again by its name, as after a rotation. Resolves when the new file is in use, or when
   * it could not be opened. In that case the problem is reported, the old file stays in use, and prox tries again every
   * flushEvery. If the file accepts no bytes, this waits as `flush` does, and the reopen happens after the file has
   * accepted its bytes.
   */
  reopen(): Promise<void> {
    return this.#enqueueAndWait('reopen');
  }

  /**
   * Writes the collected lines and closes the file; lines that come later are dropped. If the file accepts no bytes,
   * this gives up after a while, and the file is closed when the system returns the operation.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    const end = performance.now() + this.#options.patience;
    await this.flush();
    this.#send();
    this.#closed = true;
    // Another line may have arrived, and its write begun, between the flush and this turn of the event loop.
    while (this.#busy && performance.now() < end) await this.#wait('mark');
    this.#abandoned = this.#busy;
    this.#giveUp();
    if (this.#timer !== null) clearTimeout(this.#timer);
    forgetAtExit(this);
    if (!this.#abandoned) await this.#closeSink();
    if (this.#dropped > 0) this.#reportDropped('log lines were lost');
  }

  /** Writes everything in memory during this call. Used only when the process ends. */
  flushSync(): void {
    this.#cut();
    const lines = this.#queue.splice(0).filter((entry) => entry.kind === 'lines');
    try {
      if (this.#failing) this.#sink.writeSync(Buffer.alloc(0));
      for (const entry of lines) this.#sink.writeSync(entry.bytes);
    } catch (error) {
      this.#report('log lines were lost at exit', { path: this.path, error });
    }
  }

  #enqueueAndWait(kind: 'mark' | 'reopen'): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#cut();
    const waited = this.#wait(kind);
    if (this.#failing) this.#settle();
    this.#pump();
    return waited;
  }

  #wait(kind: 'mark' | 'reopen'): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.patience);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#queue.push({ kind, done });
    });
  }

  async #closeSink(): Promise<void> {
    const error = await new Promise<Error | null>((resolve) => this.#sink.close(resolve));
    if (error !== null) this.#report('log file could not be closed', { path: this.path, error });
  }

  #send(): void {
    this.#cut();
    this.#pump();
  }

  /** Moves the batch to the queue, or drops it when the queue is full. */
  #cut(): void {
    if (this.#batchLines === 0) return;
    const lines = this.#batchLines;
    const text = this.#batch;
    this.#batch = '';
    this.#batchLines = 0;
    if (this.#queuedBytes + text.length > this.#options.maxPending) {
      this.#dropped += lines;
      return;
    }
    const bytes = this.#encode(text);
    this.#queuedBytes += bytes.length;
    this.#queue.push({ kind: 'lines', bytes, lines });
  }

  #encode(text: string): Buffer {
    if (this.#options.encoding === 'utf8') return Buffer.from(text, 'utf8');
    this.#scratch ??= Buffer.allocUnsafeSlow(2 * this.#options.batchSize);
    if (!this.#scratchFree || text.length > this.#scratch.length) return Buffer.from(text, 'latin1');
    this.#scratchFree = false;
    return this.#scratch.subarray(0, this.#scratch.write(text, 0, 'latin1'));
  }

  /** Starts the next operation if the sink is free. */
  #pump(): void {
    while (!this.#busy && !this.#failing && !isExiting()) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      if (entry.kind === 'mark') {
        entry.done();
      } else if (entry.kind === 'reopen') {
        this.#startReopen(entry.done);
      } else {
        this.#queuedBytes -= entry.bytes.length;
        this.#current = entry;
        this.#busy = true;
        this.#sink.write(entry.bytes, this.#sinkOnWritten);
      }
    }
  }

  #sinkOnWritten = (error: NodeJS.ErrnoException | null): void => {
    this.#busy = false;
    if (this.#abandoned) {
      void this.#closeSink();
      return;
    }
    if (error !== null) {
      this.#failing = true;
      this.#warn('cannot write the log file; lines are kept in memory up to a limit, then dropped', error);
      this.#settle();
      this.#startTimer();
      return;
    }
    if (this.#current?.bytes.buffer === this.#scratch?.buffer) this.#scratchFree = true;
    this.#current = null;
    this.#failing = false;
    this.#pump();
    if (!this.#busy) this.#tellRecovery();
  };

  /**
   * While writing fails, promises are resolved without waiting, and a reopen goes first, because the new file may be on
   * a disk with room.
   */
  #settle(): void {
    const rest: Entry[] = [];
    for (const entry of this.#queue.splice(0)) {
      if (entry.kind === 'mark') entry.done();
      else if (entry.kind === 'reopen' && !this.#busy) this.#startReopen(entry.done);
      else rest.push(entry);
    }
    this.#queue.push(...rest);
  }

  #startReopen(done: () => void): void {
    this.#busy = true;
    this.#sink.reopen((error) => {
      this.#busy = false;
      this.#reopenFailed = error !== null;
      this.#dropped += this.#sink.lostLines;
      this.#sink.lostLines = 0;
      if (error !== null) {
        this.#warn('cannot reopen the log file; prox continues to write to the old one', error);
        this.#startTimer();
      } else if (!this.#failing) {
        this.#tellRecovery();
      }
      done();
      if (this.#abandoned) {
        void this.#closeSink();
        return;
      }
      if (this.#failing) this.#retry();
      this.#pump();
    });
  }

  #retry(): void {
    this.#busy = true;
    this.#sink.retry(this.#sinkOnWritten);
  }

  #startTimer(): void {
    if (this.#timer !== null || this.#closed) return;
    this.#timer = setTimeout(this.#timerOnFlush, this.#options.flushEvery);
    this.#timer.unref();
  }

  #timerOnFlush = (): void => {
    this.#timer = null;
    this.#cut();
    if (!this.#busy && this.#reopenFailed) this.#startReopen(() => {});
    if (!this.#busy && this.#failing) this.#retry();
    this.#pump();
    if (this.#failing || this.#reopenFailed) this.#startTimer();
  };

  /** Counts the lines that cannot be written any more. */
  #giveUp(): void {
    this.#dropped += this.#current?.lines ?? 0;
    for (const entry of this.#queue.splice(0)) {
      if (entry.kind === 'lines') this.#dropped += entry.lines;
      else entry.done();
    }
  }

  #warn(message: string, error: NodeJS.ErrnoException): void {
    const now = performance.now();
    if (now - this.#warnedAt < this.#options.warnEvery) return;
    this.#warnedAt = now;
    this.#warned = true;
    this.#report(message, { path: this.path, error });
  }

  #tellRecovery(): void {
    if (this.#reopenFailed) return;
    if (this.#warned) {
      this.#warned = false;
      this.#reportDropped('the log file is written again');
    } else if (this.#dropped > 0 && performance.now() - this.#warnedAt >= this.#options.warnEvery) {
      this.#warnedAt = performance.now();
      this.#reportDropped('log lines were dropped, as the file took them too slowly');
    }
  }

  #reportDropped(message: string): void {
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#report(message, { path: this.path, dropped });
  }
}
