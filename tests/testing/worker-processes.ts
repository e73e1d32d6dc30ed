import { readdir, readFile, readlink } from 'node:fs/promises';
import { eventually } from './wait.ts';

/** The workers of a supervisor, in the order of their start. None when it has ended. */
export async function workerPids(supervisor: number): Promise<number[]> {
  const children = await readFile(`/proc/${supervisor}/task/${supervisor}/children`, 'utf8').catch(() => '');
  return children.trim() === '' ? [] : children.trim().split(' ').map(Number);
}

/** Sends a signal to a process, if it has not ended. */
export function killIfAlive(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Whether a process lives: one that has ended and waits for its parent to notice does not. */
export async function isAlive(pid: number): Promise<boolean> {
  const state = await stateOf(pid);
  return state !== null && state !== 'Z' && state !== 'X';
}

/** Stops a process where it is, and waits until it stands still. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await eventually('the process to stand still', async () => (await stateOf(pid)) === 'T');
}

/** Ports of the clients whose connections to a port a process has accepted. */
export async function clientPortsOf(pid: number, port: number): Promise<Set<number>> {
  const inodes = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const ports = new Set<number>();
  for (const table of ['tcp', 'tcp6']) {
    for (const row of (await readFile(`/proc/net/${table}`, 'utf8')).split('\n').slice(1)) {
      const fields = row.trim().split(/\s+/);
      if (portIn(fields[1]) === port && inodes.has(fields[9] ?? '')) ports.add(portIn(fields[2]));
    }
  }
  // The listening socket itself has no peer.
  ports.delete(0);
  return ports;
}

async function stateOf(pid: number): Promise<string | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2)[0] ?? null;
  } catch {
    return null;
  }
}

function portIn(address = ''): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16);
}
