import { resolve } from 'node:path';
import { Baseline } from './baseline.ts';
import { ContentDigests } from './content-digests.ts';
import { FolderWatchers, type OpenWatcher } from './folder-watchers.ts';
import { pollInterval, pollsByEnvironment } from './polling.ts';
import { QuietTimer } from './quiet-timer.ts';
import { isSame, type Snapshot, takeSnapshot } from './snapshot.ts';

/** The options of a ConfigWatcher. */
export interface ConfigWatcherOptions {
  /**
   * Called with the watched paths whose content changed, sorted; a file in a watched folder has its own path. It is not
   * called again before its promise has settled. If the promise rejects, onError is called.
   */
  readonly onChange: (paths: readonly string[]) => Promise<void> | void;
  /** Called with an error; watching continues. Must not throw. */
  readonly onError: (error: Error) => void;
  /** Milliseconds without an event after which a change counts as complete; 200 by default. */
  readonly debounceMs?: number;
  /** Milliseconds after the first event at which a change is reported although events continue; 2000 by default. */
  readonly maxWaitMs?: number;
  /**
   * If true, the files are checked regularly and no events are used. The default comes from the environment, see
   * docs/reload.md.
   */
  readonly poll?: boolean;
  /**
   * Milliseconds between two regular checks; by default 1000 without events and 10,000 with them, more for many files.
   */
  readonly pollMs?: number;
  /** Opens the watcher of one folder; a test may pass one that fails. */
  readonly openWatcher?: OpenWatcher;
}

const DEBOUNCE_MS = 200;
const MAX_WAIT_MS = 2000;

/** Folders can change while their watchers are opened. After this number of rounds, the regular checks must suffice. */
const MAX_ROUNDS = 5;

/**
 * Reports when the files of a config have changed.
 *
 *     event of a folder ─> quiet? ─> look ─ differs from the baseline ─> baseline = look, onChange
 *     clock ─────────────> look ─ differs ─┘       └─ the same: nothing happens
 *
 * An event only causes a look at the files. The decision depends on the baseline: the content of every file before the
 * last onChange, or when it was first watched. So no change is lost while onChange runs, or between reading a config
 * and watching it. And neither a `touch` nor a log that grows next to the config causes a reload.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  readonly #maxWaitMs: number;
  readonly #digests = new ContentDigests();
  /** Null if only regular checks are used. */
  readonly #folders: FolderWatchers | null;
  readonly #quiet: QuietTimer;
  #paths: ReadonlySet<string> = new Set();
  readonly #baseline: Baseline = new Baseline();
  /** The argument of the last watch() that no look has taken into account yet. */
  #told: { readonly readAt: number } | null = null;
  /**
   * The result of a regular check while it waits for a second look with the same result. Events need no second look,
   * because they show when they have ended.
   */
  #sample: { readonly snapshot: Snapshot; readonly since: number } | null = null;
  #pollTimer: NodeJS.Timeout | null = null;
  #lookWanted = false;
  #quietReached = false;
  #looking = false;
  #looked: Promise<void> = Promise.resolve();
  #lookMs = 0;
  #reporting = false;
  #reportAgain = false;
  #closed = false;

  constructor(options: ConfigWatcherOptions) {
    this.#options = options;
    this.#maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS;
    this.#quiet = new QuietTimer(options.debounceMs ?? DEBOUNCE_MS, this.#maxWaitMs, () => this.#look(true));
    const events = { onTouch: () => this.#quiet.touch(), onError: options.onError };
    const polls = options.poll ?? pollsByEnvironment(process.env);
    this.#folders = polls ? null : new FolderWatchers(events, options.openWatcher);
  }

  /**
   * Watches exactly these files and folders, whether or not they exist. Those that were already watched keep their
   * baseline, so that a change that was not reported yet still will be. Has no effect after close().
   * @param readAt `Date.now()` before the config was read. A file that was not watched yet and has changed since then
   * is reported. Without this argument, such files count as unchanged since they were read.
   */
  watch(files: readonly string[], readAt = Infinity): void {
    if (this.#closed) return;
    this.#paths = new Set(files.map((file) => resolve(file)));
    this.#told = { readAt };
    this.#look(false);
  }

  /** Resolves when the last call of watch() has taken effect: every later change is noticed. */
  async ready(): Promise<void> {
    await this.#looked;
  }

  /** Ends watching. onChange is not called again; this does not wait for a current call. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#quiet.cancel();
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    await this.#folders?.close();
    await this.#looked;
  }

  /** Looks at the files. There is one look at a time; a request during a look causes another one afterwards. */
  #look(quiet: boolean): void {
    this.#lookWanted = true;
    if (quiet) this.#quietReached = true;
    if (!this.#looking) this.#looked = this.#lookWhileWanted();
  }

  async #lookWhileWanted(): Promise<void> {
    this.#looking = true;
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    while (this.#lookWanted && !this.#closed) {
      this.#lookWanted = false;
      const quiet = this.#quietReached;
      this.#quietReached = false;
      const paths = this.#paths;
      try {
        const snapshot = await this.#lookOnce(paths);
        if (this.#closed) break;
        // After another watch(), the look that it requested judges the new paths.
        if (paths === this.#paths) this.#judge(snapshot, quiet);
      } catch (error) {
        this.#options.onError(error instanceof Error ? error : new Error(String(error)));
      }
    }
    this.#looking = false;
    if (!this.#closed && this.#paths.size > 0) this.#awaitClock();
  }

  #awaitClock(): void {
    const events = this.#folders !== null && !this.#folders.impaired;
    const wait = this.#options.pollMs ?? pollInterval(events, this.#lookMs);
    this.#pollTimer = setTimeout(() => this.#look(false), wait);
    this.#pollTimer.unref();
  }

  /** Looks at the paths with every watcher in place, so that every later change causes an event. */
  async #lookOnce(paths: ReadonlySet<string>): Promise<Snapshot> {
    for (let round = 1; ; round++) {
      const started = performance.now();
      const snapshot = await takeSnapshot(paths, this.#digests);
      this.#lookMs = performance.now() - started;
      if (this.#closed || this.#folders === null) return snapshot;
      const opened = await this.#folders.sync(snapshot.folders);
      if (!opened || round === MAX_ROUNDS) return snapshot;
    }
  }

  /**
   * @param quiet whether the look was made because there was no event for a while, or because events have continued for
   * too long
   */
  #judge(snapshot: Snapshot, quiet: boolean): void {
    if (this.#told !== null) this.#baseline.adopt(this.#paths, snapshot, this.#told.readAt);
    this.#told = null;
    const changed = this.#baseline.differences(snapshot);
    const sample = this.#sample;
    this.#sample = null;
    if (changed.length === 0) return;
    const now = performance.now();
    if (!quiet) {
      // A sample is compared with the files some time later, never with a look immediately after it.
      if (this.#quiet.pending || this.#quietReached) this.#sample = sample;
      else this.#await({ snapshot, since: sample?.since ?? now });
    } else if (sample !== null && !isSame(sample.snapshot, snapshot) && now - sample.since < this.#maxWaitMs) {
      this.#await({ snapshot, since: sample.since });
    } else if (this.#reporting) this.#reportAgain = true;
    else {
      this.#baseline.replace(snapshot);
      void this.#report(changed);
    }
  }

  /** Waits until a change without events is complete. */
  #await(sample: { readonly snapshot: Snapshot; readonly since: number }): void {
    this.#sample = sample;
    this.#quiet.touch();
  }

  async #report(changed: readonly string[]): Promise<void> {
    this.#reporting = true;
    try {
      await this.#options.onChange(changed);
    } catch (error) {
      this.#options.onError(error instanceof Error ? error : new Error(String(error)));
    }
    this.#reporting = false;
    if (!this.#reportAgain || this.#closed) return;
    this.#reportAgain = false;
    this.#look(true);
  }
}
