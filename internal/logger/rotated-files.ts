import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

/** Extensions that tools add when they compress old files. */
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4)$/;

/** The date of a period, in the forms that `periodOf` produces. */
const LABEL = String.raw`\d{4}-\d\d-\d\d(?:-\d{2}(?:\d{4})?)?`;

/**
 * The rotated files of one log: `access.log` is renamed to `access.2026-03-01.1.log`, or to `access.1.log` if only a
 * size is set. Other files in the folder are neither counted nor removed.
 */
export class RotatedFiles {
  readonly #folder: string;
  /** Name of the log without its extension, and the extension with its dot. */
  readonly #stem: string;
  readonly #extension: string;
  /** The label, if there is one, and the number. */
  readonly #middle = new RegExp(`^(?:(${LABEL})\\.)?(\\d{1,15})$`);

  constructor(path: string) {
    this.#folder = dirname(path);
    this.#extension = extname(path);
    this.#stem = basename(path, this.#extension);
  }

  /**
   * The path that the log gets if it is rotated now: one number above the highest of its label, compressed files
   * included.
   */
  async next(label: string | null): Promise<string> {
    let highest = 0;
    for (const name of await readdir(this.#folder)) {
      const found = this.#parse(name.replace(COMPRESSED, ''));
      if (found !== null && found.label === label) highest = Math.max(highest, found.number);
    }
    const middle = label === null ? '' : `${label}.`;
    return join(this.#folder, `${this.#stem}.${middle}${highest + 1}${this.#extension}`);
  }

  /** Removes all but the newest rotated files. @param keep number of files that remain */
  async removeOld(keep: number): Promise<void> {
    const rotated: { path: string; time: number; number: number }[] = [];
    for (const name of await readdir(this.#folder)) {
      const found = this.#parse(name);
      if (found === null) continue;
      const path = join(this.#folder, name);
      const stats = await stat(path).catch(ignoreAbsent);
      if (stats?.isFile() === true) rotated.push({ path, time: stats.mtimeMs, number: found.number });
    }
    rotated.sort((a, b) => b.time - a.time || b.number - a.number);
    for (const { path } of rotated.slice(keep)) await rm(path, { force: true });
  }

  #parse(name: string): { readonly label: string | null; readonly number: number } | null {
    if (!name.startsWith(`${this.#stem}.`) || !name.endsWith(this.#extension)) return null;
    const middle = name.slice(this.#stem.length + 1, name.length - this.#extension.length);
    const match = this.#middle.exec(middle);
    return match === null ? null : { label: match[1] ?? null, number: Number(match[2]) };
  }
}

/** Returns null if another process has removed the file in the meantime. */
export function ignoreAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
