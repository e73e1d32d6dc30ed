import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ConfigWatcher, type ConfigWatcherOptions } from '../config-watcher.ts';

/** Waits for a condition; fails after a time that only a broken watcher needs. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 5000; !condition();) {
    if (performance.now() > end) throw new Error(`timed out while waiting for: ${what}`);
    await setTimeout(5);
  }
}

/** Number of inotify watches of this process. Linux only. */
export function inotifyWatches(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    try {
      count += (readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify /gm) ?? []).length;
    } catch (error) {
      // This is the descriptor that was used to list the folder.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return count;
}

/** A watcher on its own temporary folder, and its reports. */
export class WatchSession {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'prox-watcher-')));
  /** For each call of onChange, the paths relative to the folder. */
  readonly calls: string[][] = [];
  readonly errors: Error[] = [];
  readonly watcher: ConfigWatcher;
  #asked = 0;
  /** Runs within onChange, after the call was recorded. */
  react: (paths: readonly string[]) => Promise<void> | void = () => undefined;

  /** There are no regular checks unless `pollMs` is set, so every result of a test comes from an event. */
  constructor(files: Readonly<Record<string, string>> = {}, options: Partial<ConfigWatcherOptions> = {}) {
    for (const [name, content] of Object.entries(files)) this.write(name, content);
    this.watcher = new ConfigWatcher({
      onChange: (paths) => {
        this.calls.push(paths.map((path) => path.replace(`${this.path}/`, '')));
        return this.react(paths);
      },
      onError: (error) => this.errors.push(error),
      debounceMs: 40,
      poll: false,
      pollMs: 3_600_000,
      ...options,
    });
  }

  at(name: string): string {
    return join(this.path, name);
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), content);
  }

  /** Watches names in the folder and waits until this has taken effect. */
  async watch(...names: string[]): Promise<void> {
    this.watcher.watch(names.map((name) => this.at(name)));
    await this.watcher.ready();
  }

  /** Waits for the next call that was not returned yet, and returns its paths. */
  async call(): Promise<string[]> {
    const number = ++this.#asked;
    await until(() => this.calls.length >= number, `call ${number} of onChange`);
    return this.calls[number - 1] ?? [];
  }

  async end(): Promise<void> {
    await this.watcher.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}
