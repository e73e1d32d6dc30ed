import { resolve } from 'node:path';
import { Baseline } from './baseline.ts';
import { ContentDigests } from './content-digests.ts';
import { FolderWatchers, type OpenWatcher } from './folder-watchers.ts';
import { pollInterval, pollsByEnvironment } from './polling.ts';
import { QuietTimer } from './quiet-timer.ts';
import { isSame, type Snapshot, takeSnapshot } from './snapshot.ts';

/** How a ConfigWatcher is made. */
export interface ConfigWatcherOptions {
  /**
   * Called with the watched paths whose content changed, sorted; a file in a watched folder is named itself. Never
   * called again before its promise has settled. A promise that rejects is reported by onError.
   */
  readonly onChange: (paths: readonly string[]) => Promise<void> | void;
  /** Called with what went wrong; watching goes on. Must not throw. */
  readonly onError: (error: Error) => void;
  /** Milliseconds without an event until a change is taken as complete; 200 by default. */
  readonly debounceMs?: number;
  /** Milliseconds after the first event at which a change is reported though events go on; 2000 by default. */
  readonly maxWaitMs?: number;
  /** True looks at the files by the clock and uses no events; by default what the environment says, see docs/reload.md. */
  readonly poll?: boolean;
  /** Milliseconds between two looks by the clock; by default 1000 without events, 10,000 with them, more for many files. */
  readonly pollMs?: number;
  /** Opens the watcher of one folder; a test may bring one that fails. */
  readonly openWatcher?: OpenWatcher;
}

const DEBOUNCE_MS = 200;
const MAX_WAIT_MS = 2000;

/** Folders can change while their watchers are opened; after this many rounds the clock has to do. */
const MAX_ROUNDS = 5;

/**
 * Tells when the files that a config was read from have changed.
 *
 *     event of a folder ─> quiet? ─> look ─ differs from the baseline ─> baseline = look, onChange
 *     clock ─────────────> look ─ differs ─┘       └─ the same: nothing happens
 *
 * An event is only a reason to look. What counts is the baseline: the content of every file as it was before the last
 * onChange, or when it was first watched. So nothing is lost while onChange runs, or between reading a config and
 * watching it, and neither a `touch` nor a log that grows beside the config leads to a reload.
 */
export class ConfigWatcher {
  readonly #options: ConfigWatcherOptions;
  readonly #maxWaitMs: number;
  readonly #digests = new ContentDigests();
  /** Null when the files are looked at by the clock alone. */
  readonly #folders: FolderWatchers | null;
  readonly #quiet: QuietTimer;
  #paths: ReadonlySet<string> = new Set();
  readonly #baseline: Baseline = new Baseline();
  /** What watch() was told and no look has seen yet. */
  #told: { readonly readAt: number } | null = null;
  /** What the clock saw, while it waits for a second look that is the same; events tell by themselves that they ended. */
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
   * Watches exactly these files and folders, whether or not they exist. Those that were watched before keep their
   * baseline, so that a change that was not reported yet still will be. Does nothing after close().
   * @param readAt `Date.now()` from before the config was read: a file that was not watched yet and has changed since
   *   is reported. Left out, such files are taken to be as they were read.
   */
  watch(files: readonly string[], readAt = Infinity): void {
    if (this.#closed) return;
    this.#paths = new Set(files.map((file) => resolve(file)));
    this.#told = { readAt };
    this.#look(false);
  }

  /** Resolves when what watch() was last told is in effect: every later change is noticed. */
  async ready(): Promise<void> {
    await this.#looked;
  }

  /** Ends watching. onChange is not called again; one that is under way is not waited for. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#quiet.cancel();
    if (this.#pollTimer !== null) clearTimeout(this.#pollTimer);
    await this.#folders?.close();
    await this.#looked;
  }

  /** One look at a time; whoever asks during one gets another after it. */
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
        // After watch(), the look that it asked for judges the new paths.
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

  /** What stands at the paths, seen with every watcher in place: what comes after makes an event. */
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

  /** @param quiet whether the look was made because nothing had happened for a while, or for too long */
  #judge(snapshot: Snapshot, quiet: boolean): void {
    if (this.#told !== null) this.#baseline.adopt(this.#paths, snapshot, this.#told.readAt);
    this.#told = null;
    const changed = this.#baseline.differences(snapshot);
    const sample = this.#sample;
    this.#sample = null;
    if (changed.length === 0) return;
    const now = performance.now();
    if (!quiet) {
      // A sample is compared with what stands there a while later, never with a look right after it.
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

  /** Lets a change that no event told of come to rest. */
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
