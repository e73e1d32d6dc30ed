import { basename, dirname } from 'node:path';
import { isConfigName, type Item, MISSING, type Snapshot } from './snapshot.ts';

/** The clock of the file system may be behind the clock of the process by this many milliseconds. */
const CLOCK_SLACK_MS = 50;

/** Different from every possible state of a path. */
const UNKNOWN: Item = { state: 'unknown', changedAt: 0 };

/** The content of every watched path when the current config was read. The next look is compared with it. */
export class Baseline {
  #items = new Map<string, Item>();

  /**
   * Changes the set of watched paths. Known paths keep their state. A new path gets its state from the snapshot, unless
   * it changed at `readAt` (milliseconds since the epoch) or later: then it is unknown which content was read.
   */
  adopt(paths: ReadonlySet<string>, snapshot: Snapshot, readAt: number): void {
    const before = this.#items;
    const items = new Map<string, Item>();
    for (const [path, item] of before) if (paths.has(path) || paths.has(dirname(path))) items.set(path, item);
    for (const [path, item] of snapshot.items) {
      if (before.has(path)) continue;
      // A new file in a folder that was already listed is a change, and not a new path to watch.
      if (isConfigName(basename(path)) && before.get(dirname(path))?.state === 'folder') continue;
      items.set(path, item.changedAt >= readAt - CLOCK_SLACK_MS ? UNKNOWN : item);
    }
    this.#items = items;
  }

  /** The paths at which the snapshot differs, sorted. */
  differences(snapshot: Snapshot): string[] {
    const changed: string[] = [];
    for (const [path, { state }] of snapshot.items) {
      if ((this.#items.get(path)?.state ?? MISSING) !== state) changed.push(path);
    }
    for (const [path, { state }] of this.#items) {
      if (!snapshot.items.has(path) && state !== MISSING) changed.push(path);
    }
    return changed.sort();
  }

  /** Makes this snapshot the new baseline. */
  replace(snapshot: Snapshot): void {
    this.#items = new Map(snapshot.items);
  }
}
