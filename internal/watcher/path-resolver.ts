import { lstat, type Stats } from 'node:fs';
import { readlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, parse, sep } from 'node:path';

/** A name in a folder, whether or not something stands there. The folder's path has no symbolic link in it. */
export interface Entry {
  readonly folder: string;
  readonly name: string;
}

/** Where a path leads at one moment. */
export interface Place {
  /** The path with every symbolic link followed; of the first missing part, when there is nothing. */
  readonly path: string;
  /** What stands there, never a symbolic link; null for nothing. */
  readonly stats: Stats | null;
  /** Why nothing can be had, as a system error code (ENOENT, ELOOP, EACCES …); null when something can. */
  readonly code: string | null;
  /**
   * The entries that decide where the path leads: every symbolic link that was followed, then the last name. A change
   * of any of them can make the path lead elsewhere, even while the file that it led to stays as it is.
   */
  readonly entries: readonly Entry[];
  /** Milliseconds since the epoch of the last change of those entries, by the clock of the file system. */
  readonly changedAt: number;
}

/** What one entry is: exactly one of stats and code is set. */
interface Fact {
  readonly stats: Stats | null;
  readonly code: string | null;
  /** The text of a symbolic link, else null. */
  readonly link: string | null;
}

/** As many as Linux follows; beyond it the links go in a circle. */
const MAX_LINKS = 40;

/**
 * Follows paths link by link. `realpath` would name only the end, and a Kubernetes volume changes in the middle:
 *
 *     prox.json5 -> ..data/prox.json5        a link that never changes
 *     ..data -> ..2026_11_21                 a link that is swapped; the files behind it never change
 *
 * An instance looks at each entry once: make a new one to look again.
 */
export class PathResolver {
  readonly #facts = new Map<string, Promise<Fact>>();

  /** Follows an absolute path. A path that leads nowhere is a result like any other. */
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
      // `folder` holds no links, so that its parent is where `..` leads.
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

  /** Tells one folder from another that took its path; null when there is none. */
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

/** By callback, which costs half of what the promise API does: a large config is looked at file by file. */
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
