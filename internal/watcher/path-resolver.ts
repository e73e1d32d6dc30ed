import { lstat, type Stats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, parse, sep } from 'node:path';

/** A name in a folder, whether or not it exists. The path of the folder contains no symbolic link. */
export interface Entry {
  readonly folder: string;
  readonly name: string;
}

/** The result of following a path at one moment. */
export interface Place {
  /** The path with every symbolic link followed. If the target does not exist, the path of the first missing part. */
  readonly path: string;
  /** The file or folder at that path, never a symbolic link; null if it does not exist. */
  readonly stats: Stats | null;
  /** The system error code (ENOENT, ELOOP, EACCES …) if the path cannot be followed; null if it can. */
  readonly code: string | null;
  /**
   * The entries that decide where the path leads: every symbolic link that was followed, then the last name. A change
   * of any of them may make the path lead elsewhere, even if the old target does not change.
   */
  readonly entries: readonly Entry[];
  /** Time of the last change of these entries, in milliseconds since the epoch, by the clock of the file system. */
  readonly changedAt: number;
}

/** The state of one entry: exactly one of stats and code is set. */
interface Fact {
  readonly stats: Stats | null;
  readonly code: string | null;
  /** The text of a symbolic link; null for anything else. */
  readonly link: string | null;
}

/** The number of links that Linux follows; beyond it, the links form a cycle. */
const MAX_LINKS = 40;

/**
 * Follows paths link by link. `realpath` would return only the end, but a Kubernetes volume changes in the middle:
 *
 *     prox.json5 -> ..data/prox.json5        a link that never changes
 *     ..data -> ..2026_11_21                 a link that is swapped; the files behind it never change
 *
 * An instance looks at each entry once. Create a new instance to look again.
 */
export class PathResolver {
  readonly #facts = new Map<string, Promise<Fact>>();

  /** Follows an absolute path. A path without a target is not an error. */
  async resolve(path: string): Promise<Place> {
    const { root } = parse(path);
    let folder = root;
    const pending = namesOf(path);
    const entries: Entry[] = [];
    let links = 0;
    let changedAt = 0;
    const nowhere = async (entry: Entry, code: string): Promise<Place> => {
      const { stats } = await this.#fact(entry.folder);
      const at = Math.max(changedAt, stats?.ctimeMs ?? 0);
      return { path: join(entry.folder, entry.name), stats: null, code, entries: [...entries, entry], changedAt: at };
    };
    for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
      // `folder` contains no links, so `..` leads to its parent.
      if (name === '..') {
        folder = dirname(folder);
        continue;
      }
      const entry = { folder, name };
      const fact = await this.#fact(join(folder, name));
      if (fact.stats === null) return nowhere(entry, fact.code ?? 'ENOENT');
      if (fact.link !== null) {
        if (++links > MAX_LINKS) return nowhere(entry, 'ELOOP');
        entries.push(entry);
        changedAt = Math.max(changedAt, fact.stats.ctimeMs);
        if (isAbsolute(fact.link)) folder = root;
        pending.push(...namesOf(fact.link));
        continue;
      }
      if (pending.length === 0) {
        changedAt = Math.max(changedAt, fact.stats.ctimeMs);
        return { path: join(folder, name), stats: fact.stats, code: null, entries: [...entries, entry], changedAt };
      }
      if (!fact.stats.isDirectory()) return nowhere(entry, 'ENOTDIR');
      folder = join(folder, name);
    }
    const { stats, code } = await this.#fact(folder);
    const last = { folder: dirname(folder), name: basename(folder) };
    return {
      path: folder,
      stats,
      code,
      entries: [...entries, last],
      changedAt: Math.max(changedAt, stats?.ctimeMs ?? 0),
    };
  }

  /** Identifies a folder, so that another folder that took its path is recognised; null if it does not exist. */
  async identify(folder: string): Promise<string | null> {
    const { stats } = await this.#fact(folder);
    return stats === null ? null : `${stats.dev}:${stats.ino}`;
  }

  #fact(path: string): Promise<Fact> {
    let fact = this.#facts.get(path);
    if (fact === undefined) {
      fact = look(path);
      this.#facts.set(path, fact);
    }
    return fact;
  }
}

async function look(path: string): Promise<Fact> {
  try {
    const stats = await statsOf(path);
    const link = stats.isSymbolicLink() ? await readlink(path) : null;
    return { stats, code: null, link };
  } catch (error) {
    return { stats: null, code: (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN', link: null };
  }
}

/** Uses the callback API, which costs half as much as the promise API: a large config has many files to look at. */
function statsOf(path: string): Promise<Stats> {
  return new Promise((resolve, reject) => {
    lstat(path, (error, stats) => (error === null ? resolve(stats) : reject(error)));
  });
}

/** The names of a path, the last one first. */
function namesOf(path: string): string[] {
  return path
    .slice(isAbsolute(path) ? parse(path).root.length : 0)
    .split(sep)
    .filter((name) => name !== '' && name !== '.')
    .toReversed();
}
