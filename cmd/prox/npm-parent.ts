import { readFileSync } from 'node:fs';

/** Milliseconds between two checks of the ancestor processes. */
const LOOK_EVERY = 500;

/** Facts about a process, from /proc. */
interface ProcessLook {
  readonly name: string;
  readonly parent: number;
  readonly group: number;
}

/**
 * Calls `onEnd` once if npm started this process, and npm or a shell between npm and prox has ended since.
 *
 * npm passes SIGTERM and SIGINT on to the shell that runs its script. Some shells keep running as the parent of prox;
 * the signal ends such a shell, and prox learns nothing. It learns nothing either when npm is killed. Without this
 * check, prox would continue to serve and hold its port, with no terminal left to end it from.
 *
 * In all other cases a daemon outlives its parent. Therefore this function checks only if npm has set its variable in
 * the environment and the parent is in the same process group. A process that was started with `setsid`, by a service
 * manager, or as a job of an interactive shell below npm has a group of its own. On systems without /proc there is no
 * check: the shell of macOS replaces itself by prox.
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
 * The process ids from the parent up to the topmost npm; only the parent if no npm is found, because other package
 * managers set the same variable. The processes above npm are a shell or a script of the user, which may end.
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

/** Whether every process of the chain still has the same parent: when a parent ends, the system assigns another one. */
function holds(chain: readonly number[]): boolean {
  return chain.every((pid, i) => (i === 0 ? process.ppid : look(chain[i - 1])?.parent) === pid);
}

/** Returns null if the process or /proc does not exist. */
function look(pid: number): ProcessLook | null {
  try {
    // The form is `pid (name) state parent group …`; the name may contain any character.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    const [, parent, group] = stat.slice(end + 2).split(' ');
    return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(parent), group: Number(group) };
  } catch {
    return null;
  }
}
