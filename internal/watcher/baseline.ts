import { basename, dirname } from 'node:path';
import { isConfigName, type Item, MISSING, type Snapshot } from './snapshot.ts';

/** The clock of the file system runs up to a tick behind the one of the process. */
const CLOCK_SLACK_MS = 50;

/** Unlike whatever stands at a path. */
const UNKNOWN: Item = { state: 'unknown', changedAt: 0 };

/** What the config in force was read from: the content of every watched path that the next look is compared with. */
export class Baseline {
  #items = new Map<string, Item>();

  /**
   * Takes over a new set of watched paths. What was known stays as it was; what is new is taken as it stands in the
   * snapshot, unless it changed at `readAt` (milliseconds since the epoch) or later: then nobody knows what was read.
   */
  adopt(paths: ReadonlySet<string>, snapshot: Snapshot, readAt: number): void {
    const before = this.#items;
    const items = new Map<string, Item>();
    for (const [path, item] of before) if (paths.has(path) || paths.has(dirname(path))) items.set(path, item);
    for (const [path, item] of snapshot.items) {
      if (before.has(path)) continue;
      // A file that is new in a folder that was listed is a change, not a new thing to watch.
      if (isConfigName(basename(path)) && before.get(dirname(path))?.state === 'folder') continue;
      items.set(path, item.changedAt >= readAt - CLOCK_SLACK_MS ? UNKNOWN : item);
    }
    this.#items = items;
  }

  /** The paths at which the snapshot shows something else, sorted. */
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

  /** From now on, differences are differences from this snapshot. */
  replace(snapshot: Snapshot): void {
    this.#items = new Map(snapshot.items);
  }
}
