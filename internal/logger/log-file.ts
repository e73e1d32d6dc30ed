import { flushAtExit, forgetAtExit, isExiting } from './exit-flush.ts';
import type { Report, Sink } from './sink.ts';

/** Limits of a log file; the defaults are right for all but tests. */
export interface LogFileOptions {
  /** Characters gathered before a write: at some 550 a record, the 14 µs of a write are shared by 120 requests. */
  readonly batchSize?: number;
  /** Milliseconds a line waits in memory at most, and between attempts when writing fails. */
  readonly flushEvery?: number;
  /** Bytes kept for a file that takes none: a stall of near half a second at 25,000 requests a second, and no more. */
  readonly maxPending?: number;
  /** Milliseconds that whoever flushes, reopens or closes the file waits for one that takes no bytes. */
  readonly patience?: number;
  /** Milliseconds between two warnings about the same file: a full disk must not fill the console too. */
  readonly warnEvery?: number;
  /** `latin1` is the faster one, for lines in ASCII. */
  readonly encoding?: 'latin1' | 'utf8';
}

const DEFAULTS: Required<LogFileOptions> = {
  batchSize: 65_536,
  // Whoever looks at a log sees a line at once; more than that would be gathered only at less than 50 requests a second.
  flushEvery: 150,
  maxPending: 4 * 1024 * 1024,
  patience: 2000,
  warnEvery: 60_000,
  encoding: 'latin1',
};

/** What waits its turn: lines to write, a reopen, or someone who wants to know when all before is written. */
type Entry =
  | { readonly kind: 'lines'; readonly bytes: Buffer; readonly lines: number }
  | { readonly kind: 'reopen'; readonly done: () => void }
  | { readonly kind: 'mark'; readonly done: () => void };

/**
 * A log file: gathers lines, writes them in large pieces without blocking, and keeps going when writing fails.
 *
 *     write() ─> batch ─ full, or flushEvery ─> queue of entries ─ one at a time ─> sink
 *
 * Entries keep their order, so lines written before a reopen are in the old file and those after in the new one. While
 * the sink fails (disk full), its chunk is tried again every flushEvery, the queue grows up to maxPending, and what
 * comes then is dropped and counted. Reopening is not held up by that: it may be what ends the trouble.
 */
export class LogFile {
  /** Absolute path, or a name for the console. */
  readonly path: string;
  readonly #sink: Sink;
  readonly #report: Report;
  readonly #options: Required<LogFileOptions>;

  #batch = '';
  #batchLines = 0;
  readonly #queue: Entry[] = [];
  #queuedBytes = 0;
  /** The chunk that the sink has, in flight or failed. */
  #current: { readonly bytes: Buffer; readonly lines: number } | null = null;
  /** An operation of the sink is under way. */
  #busy = false;
  #failing = false;
  #reopenFailed = false;
  #closed = false;
  /** It was closed while the sink had not come back. */
  #abandoned = false;
  #sendPlanned = false;
  #timer: NodeJS.Timeout | null = null;
  /** Bytes of the usual batch: one buffer used over and over, since allocating it costs as much as writing it. */
  #scratch: Buffer | null = null;
  #scratchFree = true;

  #dropped = 0;
  #warnedAt = -Infinity;
  /** A warning was given, so its end is told too. */
  #warned = false;

  constructor(path: string, sink: Sink, report: Report, options: LogFileOptions = {}) {
    this.path = path;
    this.#sink = sink;
    this.#report = report;
    this.#options = { ...DEFAULTS, ...options };
    flushAtExit(this);
  }

  /** Takes one line, which ends with its only line feed. Never blocks, never throws. */
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
   * Writes what is gathered at the end of this turn of the loop, without waiting for more. Not at once: a write in
   * flight may be lost if the process exits in the same turn, as after a fatal error; what is in memory is not.
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

  /** Resolves when every line so far is written, or when the file fails, or takes no bytes for `patience`. */
  flush(): Promise<void> {
    return this.#enqueueAndWait('mark');
  }

  /**
   * Closes the file and opens it again by its name, as after a rotation. Resolves when the new file is in use, or when
   * it could not be opened: then that is reported, the old one stays in use, and prox tries again every flushEvery. A
   * file that takes no bytes is waited for as in `flush`, and is opened again when it has taken what it was given.
   */
  reopen(): Promise<void> {
    return this.#enqueueAndWait('reopen');
  }

  /**
   * Writes what is gathered and closes the file; lines that still come are dropped. A file that takes no bytes is given
   * up after a while: it is closed when the system gives it back.
   */
  async close(): Promise<void> {
    if (this.#closed) return;
    const end = performance.now() + this.#options.patience;
    await this.flush();
    this.#send();
    this.#closed = true;
    // Another line may have come, and its write begun, between the flush and this turn of the loop.
    while (this.#busy && performance.now() < end) await this.#wait('mark');
    this.#abandoned = this.#busy;
    this.#giveUp();
    if (this.#timer !== null) clearTimeout(this.#timer);
    forgetAtExit(this);
    if (!this.#abandoned) await this.#closeSink();
    if (this.#dropped > 0) this.#reportDropped('log lines were lost');
  }

  /** Last resort when the process ends: writes all that is in memory, in this call. */
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

  /** While writing fails, nobody waits for it, and a reopen goes first: the new file may be on a disk with room. */
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
        this.#warn('cannot reopen the log file; the one before stays in use', error);
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

  /** Counts all that cannot be written any more. */
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
