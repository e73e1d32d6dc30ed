import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { ConfigWatcher, type ConfigWatcherOptions } from '../config-watcher.ts';

/** Polls a condition; fails after a time that only a broken watcher takes. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + 5000; !condition();) {
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await setTimeout(5);
  }
}

/** How many things this process watches by inotify. Linux only. */
export function inotifyWatches(): number {
  let count = 0;
  for (const fd of readdirSync('/proc/self/fdinfo')) {
    try {
      count += (readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify /gm) ?? []).length;
    } catch (error) {
      // The descriptor that listed the folder.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return count;
}

/** A watcher on a temporary folder of its own, with what it reported. */
export class WatchSession {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'prox-watcher-')));
  /** Of each call of onChange, the paths, relative to the folder. */
  readonly calls: string[][] = [];
  readonly errors: Error[] = [];
  readonly watcher: ConfigWatcher;
  #asked = 0;
  /** Runs within onChange, after the call was noted. */
  react: (paths: readonly string[]) => Promise<void> | void = () => undefined;

  /** The clock never looks, unless `pollMs` says so: what a test sees came from an event. */
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

  /** Watches names of the folder and waits until that is in effect. */
  async watch(...names: string[]): Promise<void> {
    this.watcher.watch(names.map((name) => this.at(name)));
    await this.watcher.ready();
  }

  /** Waits for the next call that was not asked for yet, and returns its paths. */
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
