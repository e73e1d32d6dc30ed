import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentDigests } from './content-digests.ts';
import { PathResolver, type Place } from './path-resolver.ts';

/** The state of a watched path, reduced to what matters for the config. */
export interface Item {
  /** Equal if the config would read the same: a digest of the bytes, `folder`, `other`, or an error code. */
  readonly state: string;
  /** Time of the last change of the file, or of a link on the way to it, in milliseconds since the epoch. */
  readonly changedAt: number;
}

/** A folder whose entries decide the state of watched paths. */
export interface FolderToWatch {
  /** Changes if another folder takes this path. */
  readonly identity: string;
  /** The watched names in it. */
  readonly names: Set<string>;
  /** Whether the config reads the whole folder. New names then matter as well, see `isConfigName`. */
  listed: boolean;
}

/** The state of all watched paths at one moment. */
export interface Snapshot {
  /** By watched path; each file in a watched folder has an item of its own. */
  readonly items: ReadonlyMap<string, Item>;
  /** By path; no path contains a symbolic link. */
  readonly folders: ReadonlyMap<string, FolderToWatch>;
}

/** The state of a file that does not exist, and of one in a folder that no longer lists it. */
export const MISSING = 'ENOENT';

/**
 * Number of paths that are examined at the same time: enough to hide the latency of a network mount, and few enough to
 * leave threads for other work.
 */
const CONCURRENCY = 8;

/**
 * Whether a new file in a watched folder matters: service files, certificates and keys do; logs, hidden files, backups
 * and temporary files of editors do not.
 */
export function isConfigName(name: string): boolean {
  return !name.startsWith('.') && /\.(json5|crt|pem|key)$/.test(name);
}

/** Examines every path once. Paths are absolute; a path that cannot be read has an item, too. */
export async function takeSnapshot(paths: Iterable<string>, digests: ContentDigests): Promise<Snapshot> {
  const look = new Look(digests);
  await look.all(new Set(paths));
  digests.sweep();
  return { items: look.items, folders: look.folders };
}

/** Whether both snapshots have the same content at every path. */
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
    // Only one level: folders within folders are not part of the config, and links could make them endless.
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
      // The file may have changed between being found and being read; the item then has the later time.
      this.items.set(path, { state: text, changedAt: Math.max(place.changedAt, changedAt) });
    } else this.items.set(path, { state: await this.#stateOf(path, place), changedAt: place.changedAt });
  }

  /** The state of a path that is not a regular file. */
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

  /** Null if the folder was removed in the meantime; its parent folder reports that. */
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
