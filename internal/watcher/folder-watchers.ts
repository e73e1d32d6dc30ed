import { basename } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { isConfigName, type FolderToWatch } from './snapshot.ts';

/** Opens a watcher on one folder; a test may pass one that fails. */
export type OpenWatcher = (folder: string) => FSWatcher;

/** The events of a set of folder watchers. */
export interface FolderEvents {
  /** A watched name in one of the folders was touched in some way. */
  readonly onTouch: () => void;
  /** A folder cannot be watched; this is tried again from time to time. Called once for each kind of error. */
  readonly onError: (error: Error) => void;
}

/**
 * chokidar reads a folder again at every event in it, whichever file the event is about. A log that is written next to
 * the config would cost up to half a core. After this many events within STORM_WINDOW_MS, prox stops watching the
 * folder for a while and checks it regularly. Saving a file in an editor makes about ten events.
 */
const STORM_EVENTS = 200;
const STORM_WINDOW_MS = 10_000;

/** How long a folder is not watched after a storm or an error; doubled each time, up to the second number. */
const CALM_MS = 10_000;
const MAX_CALM_MS = 10 * 60_000;

/** Number of watchers that are opened at the same time. */
const CONCURRENCY = 16;

interface WatchedFolder {
  wanted: FolderToWatch;
  identity: string;
  /** Null while the folder is not watched. */
  watcher: FSWatcher | null;
  /** Ends the wait for a watcher that is being opened; the argument says whether it was opened. */
  opened: (done: boolean) => void;
  /** The folder itself was moved or removed: its watcher observes a folder that no longer has its name. */
  gone: boolean;
  events: number;
  windowEndsAt: number;
  /** While there is no watcher, the time of the next attempt. */
  calmUntil: number;
  calmMs: number;
}

/**
 * One chokidar watcher for each folder, and none for files: a watcher of a file follows the inode, and misses a file
 * that takes its name. Only the raw events are used, to cause a look. A Snapshot decides what has changed.
 */
export class FolderWatchers {
  readonly #events: FolderEvents;
  readonly #open: OpenWatcher;
  readonly #folders = new Map<string, WatchedFolder>();
  readonly #reported = new Set<string>();
  #closed = false;

  constructor(events: FolderEvents, open: OpenWatcher = openWatcher) {
    this.#events = events;
    this.#open = open;
  }

  /** Whether some folder is currently not watched, so that its files must be checked regularly. */
  get impaired(): boolean {
    for (const { watcher } of this.#folders.values()) if (watcher === null) return true;
    return false;
  }

  /**
   * Watches exactly these folders; watchers of unchanged folders stay.
   * @returns whether a watcher was opened; earlier changes were not seen then, so the caller must look again
   */
  async sync(wanted: ReadonlyMap<string, FolderToWatch>): Promise<boolean> {
    for (const path of this.#folders.keys()) if (!wanted.has(path)) this.#forget(path);
    const opening: (() => Promise<boolean>)[] = [];
    for (const [path, folder] of wanted) {
      const known = this.#folders.get(path);
      if (known !== undefined && known.identity === folder.identity && !known.gone) {
        known.wanted = folder;
        if (known.watcher !== null || Date.now() < known.calmUntil) continue;
        opening.push(() => this.#start(path, known));
      } else {
        this.#forget(path);
        const fresh = newFolder(folder);
        this.#folders.set(path, fresh);
        opening.push(() => this.#start(path, fresh));
      }
    }
    let opened = false;
    const work = async (): Promise<void> => {
      for (let next = opening.pop(); next !== undefined; next = opening.pop()) opened = (await next()) || opened;
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    return opened;
  }

  /** Closes every watcher. No event follows the call. */
  async close(): Promise<void> {
    this.#closed = true;
    const folders = [...this.#folders.values()];
    this.#folders.clear();
    await Promise.all(folders.map(release));
  }

  /** Resolves when the watcher receives events (true), or could not be opened (false). */
  #start(path: string, folder: WatchedFolder): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    folder.events = 0;
    folder.windowEndsAt = Date.now() + STORM_WINDOW_MS;
    return new Promise((resolve) => {
      const watcher = this.#open(path);
      folder.watcher = watcher;
      folder.opened = resolve;
      watcher.on('raw', (_event, name: string | null) => this.#watcherOnRaw(path, folder, name));
      watcher.on('error', (error) => this.#watcherOnError(path, folder, error));
      watcher.on('ready', () => resolve(folder.watcher === watcher));
    });
  }

  #watcherOnRaw(path: string, folder: WatchedFolder, name: string | null): void {
    if (this.#folders.get(path) !== folder || folder.watcher === null) return;
    const now = Date.now();
    if (now > folder.windowEndsAt) {
      folder.events = 0;
      folder.windowEndsAt = now + STORM_WINDOW_MS;
      if (now > folder.calmUntil + MAX_CALM_MS) folder.calmMs = CALM_MS;
    }
    folder.events++;
    // An event of the folder itself has the name of the folder.
    if (name === basename(path)) folder.gone = true;
    const matters =
      folder.gone || name === null || folder.wanted.names.has(name) || (folder.wanted.listed && isConfigName(name));
    if (folder.events > STORM_EVENTS) {
      this.#leaveAlone(folder);
      this.#events.onTouch();
    } else if (matters) this.#events.onTouch();
  }

  #watcherOnError(path: string, folder: WatchedFolder, error: unknown): void {
    if (this.#folders.get(path) !== folder) return;
    this.#leaveAlone(folder);
    // A file may have changed since the last look.
    this.#events.onTouch();
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (this.#reported.has(code)) return;
    this.#reported.add(code);
    const reason = error instanceof Error ? error.message : String(error);
    const message = `cannot watch ${path}; prox checks its files every second instead: ${reason}${HINTS[code] ?? ''}`;
    this.#events.onError(new Error(message, { cause: error }));
  }

  #leaveAlone(folder: WatchedFolder): void {
    void release(folder);
    folder.calmUntil = Date.now() + folder.calmMs;
    folder.calmMs = Math.min(folder.calmMs * 2, MAX_CALM_MS);
  }

  #forget(path: string): void {
    const folder = this.#folders.get(path);
    this.#folders.delete(path);
    if (folder !== undefined) void release(folder);
  }
}

const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: ' (raise the sysctl fs.inotify.max_user_watches)',
  EMFILE: ' (raise the sysctl fs.inotify.max_user_instances, or the limit on open files)',
};

/** Closes a folder's watcher at once: chokidar's promise waits for nothing that is open here. */
async function release(folder: WatchedFolder): Promise<void> {
  const { watcher } = folder;
  folder.watcher = null;
  folder.opened(false);
  await watcher?.close();
}

function newFolder(wanted: FolderToWatch): WatchedFolder {
  return {
    wanted,
    identity: wanted.identity,
    watcher: null,
    opened: () => undefined,
    gone: false,
    events: 0,
    windowEndsAt: 0,
    calmUntil: 0,
    calmMs: CALM_MS,
  };
}

function openWatcher(folder: string): FSWatcher {
  return watch(folder, {
    // Only the folder itself: chokidar would otherwise open a watcher for each file in it.
    ignored: (path) => path !== folder,
    depth: 0,
    followSymlinks: false,
    ignoreInitial: true,
    // Raw events are not delayed, and a folder whose name looks like a temporary file of an editor is watched, too.
    atomic: false,
    usePolling: false,
    // A chokidar watcher that does not keep the process alive has no handler for errors.
    persistent: true,
  });
}
