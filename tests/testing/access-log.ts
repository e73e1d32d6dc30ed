import { readFile } from 'node:fs/promises';
import { eventually } from './wait.ts';

/** A line of an access log. */
export type AccessLine = Readonly<Record<string, string | number | null>>;

/** The complete lines of a log file; none when there is no file. Each must be valid JSON of its own. */
export async function readLog(path: string): Promise<AccessLine[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as AccessLine);
}

/** Waits until a log has so many lines, and returns all of them. */
export function logLines(path: string, count: number): Promise<AccessLine[]> {
  return eventually(`${count} lines in ${path}`, async () => {
    const lines = await readLog(path);
    return lines.length >= count ? lines : null;
  });
}
