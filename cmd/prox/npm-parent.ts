import { readFileSync } from 'node:fs';

/** Milliseconds between two looks at the ancestors. */
const LOOK_EVERY = 500;

/** A process, as /proc shows it. */
interface ProcessLook {
  readonly name: string;
  readonly parent: number;
  readonly group: number;
}

/**
 * Calls back once when npm has started this process and has ended since, or a shell between the two has.
 *
 * npm passes SIGTERM and SIGINT on to the shell that runs its script. A shell that does not replace itself by prox dies
 * of the signal and tells prox nothing; npm that is killed tells nothing either. Without this, prox would go on serving
 * with its port held and no terminal to end it from.
 *
 * A daemon outlives its parent in all other cases, so this one looks only when npm left its mark in the environment and
 * the parent is of the same process group. `setsid`, a service manager, and a job of an interactive shell that runs
 * below npm have a group of their own. Without /proc it does not look: the shell of macOS replaces itself.
 */
export function watchNpm(onEnd: () => void): void {
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const chain = ancestors();
  if (chain.length === 0) return;
  const timer = setInterval(() => {
    if (holds(chain)) return;
    clearInterval(timer);
    onEnd();
  }, LOOK_EVERY);
  timer.unref();
}

/**
 * From the parent up to the npm that was called first; only the parent when no npm is found (other package managers
 * leave the same mark). What is above belongs to the user: a shell or a script, which may end.
 */
function ancestors(): number[] {
  const group = look(process.pid)?.group;
  const found: number[] = [];
  let kept = 1;
  for (let pid = process.ppid; ;) {
    const seen = look(pid);
    if (seen === null || seen.group !== group) return found.slice(0, kept);
    found.push(pid);
    if (seen.name.startsWith('npm')) kept = found.length;
    pid = seen.parent;
  }
}

/** A process whose parent has ended gets another one. */
function holds(chain: readonly number[]): boolean {
  return chain.every((pid, i) => (i === 0 ? process.ppid : look(chain[i - 1])?.parent) === pid);
}

/** Null when there is no such process, or no /proc. */
function look(pid: number): ProcessLook | null {
  try {
    // `pid (name) state parent group …`, and the name may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    const [, parent, group] = stat.slice(end + 2).split(' ');
    return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(parent), group: Number(group) };
  } catch {
    return null;
  }
}
