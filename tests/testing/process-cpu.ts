import { readFile } from 'node:fs/promises';

/** Clock ticks of /proc a second, the same on every Linux that Node runs on. */
const TICKS = 100;

/** Seconds of CPU that a process has used so far, in all of its threads. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the process may hold blanks; the fields begin behind its bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
