import { readdir, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Removes the oldest rotated files of one log. (pino-roll can do it too, but takes `access-1.log` or `access7.log` for
 * a file of `access.log`, and would delete what is not ours.)
 *
 * @param stem Path of the log without its extension. @param extension With its dot. @param current Path of the file
 * in use, which always stays. @param keep How many others stay, the youngest.
 */
export async function removeOldFiles(stem: string, extension: string, current: string, keep: number): Promise<void> {
  const folder = dirname(stem);
  const rotated: { path: string; time: number; number: number }[] = [];
  for (const name of await readdir(folder)) {
    const number = rotationNumber(name, basename(stem), extension);
    if (number === null || name === basename(current)) continue;
    const path = join(folder, name);
    const stats = await stat(path).catch(ignoreAbsent);
    if (stats?.isFile() === true) rotated.push({ path, time: stats.mtimeMs, number });
  }
  rotated.sort((a, b) => b.time - a.time || b.number - a.number);
  for (const { path } of rotated.slice(keep)) await rm(path, { force: true });
}

/** The number in `stem.number.ext` or `stem.date.number.ext`; null for all other names. */
function rotationNumber(name: string, stem: string, extension: string): number | null {
  if (!name.startsWith(stem + '.') || !name.endsWith(extension)) return null;
  const middle = name.slice(stem.length + 1, name.length - extension.length);
  const match = /^(?:\d{4}-\d\d-\d\d(?:-\d{2}(?:\d{4})?)?\.)?(\d+)$/.exec(middle);
  return match === null ? null : Number(match[1]);
}

/** Another process may have removed the file meanwhile. */
function ignoreAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
