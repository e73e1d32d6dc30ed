import type { TestDaemon } from './daemon.ts';

/**
 * Restarts a daemon, and waits until another process serves in its place.
 * @param pid of the generation that serves
 * @returns the one of the next
 */
export async function restart(daemon: TestDaemon, pid: number): Promise<number> {
  const from = daemon.log.length;
  process.kill(pid, 'SIGUSR2');
  const line = await daemon.logged(({ msg }) => msg.startsWith('restarted') || msg.startsWith('restart failed'), from);
  if (line['successor'] === undefined)
    throw new Error(`no restart:\n${JSON.stringify(daemon.log.slice(from), null, 1)}`);
  return line['successor'] as number;
}
