import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentDigests } from './content-digests.ts';
import { PathResolver, type Place } from './path-resolver.ts';

/** What stands at a watched path, reduced to what makes a config different. */
export interface Item {
  /** Equal when the config would read the same: a digest of the bytes, `folder`, `other`, or an error code. */
  readonly state: string;
  /** Milliseconds since the epoch of the last change of the file, or of a link on the way to it. */
  readonly changedAt: number;
}

/** A folder whose entries decide what stands at watched paths. */
export interface FolderToWatch {
  /** Changes when another folder takes the path. */
  readonly identity: string;
  /** The names in it that matter. */
  readonly names: Set<string>;
  /** The config reads the whole folder: new names matter as well, see `isConfigName`. */
  listed: boolean;
}

/** What stood at the watched paths at one moment. */
export interface Snapshot {
  /** By watched path; the files in a watched folder are items of their own. */
  readonly items: ReadonlyMap<string, Item>;
  /** By path, none of which has a symbolic link in it. */
  readonly folders: ReadonlyMap<string, FolderToWatch>;
}

/** What nothing at all looks like: a file that is not there, and one in a folder that does not list it any more. */
export const MISSING = 'ENOENT';

/** Looks at a time: enough to hide the latency of a network mount, few enough to leave threads for others. */
const CONCURRENCY = 8;

/**
 * Whether a file counts when it appears in a watched folder: service fragments, certificates and keys do; logs,
 * hidden files, backups and what editors write on the way do not.
 */
export function isConfigName(name: string): boolean {
  return !name.startsWith('.') && /\.(json5|crt|pem|key)$/.test(name);
}

/** Looks at every path once. Paths are absolute; one that cannot be read is an item like any other. */
export async function takeSnapshot(paths: Iterable<string>, digests: ContentDigests): Promise<Snapshot> {
  const look = new Look(digests);
  await look.all(new Set(paths));
  digests.sweep();
  return { items: look.items, folders: look.folders };
}

/** Whether both looks saw the same content at every path. */
export function isSame(one: Snapshot, other: Snapshot): boolean {
  if (one.items.size !== other.items.size) return false;
  for (const [path, { state }] of one.items) if (other.items.get(path)?.state !== state) return false;
  return true;
}

class Look {
  readonly items = new Map<string, Item>();
  readonly folders = new Map<string, FolderToWatch>();
  readonly #resolver = new PathResolver();
  readonly #digests: ContentDigests;
  readonly #seen = new Set<string>();
  #found: string[] = [];

  constructor(digests: ContentDigests) {
    this.#digests = digests;
  }

  async all(paths: ReadonlySet<string>): Promise<void> {
    await this.#round([...paths]);
    // Once: what a folder in a folder holds is no part of the config, and links could make it endless.
    await this.#round(this.#found);
  }

  async #round(paths: readonly string[]): Promise<void> {
    const pending = paths.filter((path) => !this.#seen.has(path));
    for (const path of pending) this.#seen.add(path);
    const work = async (): Promise<void> => {
      for (let path = pending.pop(); path !== undefined; path = pending.pop()) await this.#look(path);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  }

  async #look(path: string): Promise<void> {
    const place = await this.#resolver.resolve(path);
    for (const { folder, name } of place.entries) (await this.#folder(folder))?.names.add(name);
    if (place.stats?.isFile() === true) {
      const { text, changedAt } = await this.#digests.digest(place.path, place.stats);
      // It may have changed between being found and being read: then the item is of the later moment.
      this.items.set(path, { state: text, changedAt: Math.max(place.changedAt, changedAt) });
    } else this.items.set(path, { state: await this.#stateOf(path, place), changedAt: place.changedAt });
  }

  /** The state of what is no regular file. */
  async #stateOf(path: string, place: Place): Promise<string> {
    const { stats, code } = place;
    if (stats === null) return code === 'ENOTDIR' ? MISSING : (code ?? MISSING);
    if (!stats.isDirectory()) return 'other';
    const watched = await this.#folder(place.path);
    if (watched !== null) watched.listed = true;
    try {
      const names = await readdir(place.path);
      for (const name of names) if (isConfigName(name)) this.#found.push(join(path, name));
      return 'folder';
    } catch (error) {
      return (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN';
    }
  }

  /** Null when the folder was removed meanwhile; its own folder tells of that. */
  async #folder(path: string): Promise<FolderToWatch | null> {
    const identity = await this.#resolver.identify(path);
    if (identity === null) return null;
    let folder = this.folders.get(path);
    if (folder === undefined) {
      folder = { identity, names: new Set(), listed: false };
      this.folders.set(path, folder);
    }
    return folder;
  }
}
