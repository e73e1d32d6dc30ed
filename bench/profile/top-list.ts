/** A folded profile as text. */
import type { FoldedProfile, SelfTime } from './fold.ts';

/** Rows of the list of our own functions. */
const OWN_ROWS = 40;
/** Rows of the list of everything else. */
const OTHER_ROWS = 25;
/** Of busy time: what has less was seen by a sample or two. */
const LEAST_SHARE = 0.0005;

/**
 * Self time in microseconds a unit of work and in percent of busy time: our own functions, what is not ours, and groups.
 * @param done units of work in the time that was folded
 * @param unit what they are: `request`
 */
export function topList({ busy, functions, groups }: FoldedProfile, done: number, unit: string): string {
  const table = (title: string, rows: readonly SelfTime[]): string => {
    const seen = rows.filter(({ micros }) => micros / busy >= LEAST_SHARE);
    const lines = seen.map(({ name, micros }) => {
      const share = ((100 * micros) / busy).toFixed(1).padStart(8);
      return `${(micros / done).toFixed(2).padStart(10)}${share}  ${name}`;
    });
    return [`${`µs/${unit}`.padStart(10)}${'% busy'.padStart(8)}  ${title}`, ...lines].join('\n');
  };
  const own = functions.filter((row) => row.own);
  const others = functions.filter((row) => !row.own);
  const ours = groups.filter((row) => row.own).reduce((sum, { micros }) => sum + micros, 0);
  const total: SelfTime = { name: 'all of prox', group: '', own: true, micros: ours };
  return [
    table('our functions, self time', own.slice(0, OWN_ROWS)),
    table('other functions, self time', others.slice(0, OTHER_ROWS)),
    table('groups', [total, ...groups]),
  ].join('\n\n');
}
