import { readdir, readlink } from 'node:fs/promises';
import { expect } from 'vitest';

import type { TestDaemon } from './daemon.ts';
import { eventually } from './wait.ts';

/** Fails when the daemon has logged a fault of its own. */
export function assertNoFaults(daemon: TestDaemon): void {
  expect(daemon.log.filter((line) => line.level === 'error')).toEqual([]);
}

/** Ends a daemon of which every test is over, and fails when it has logged a fault of its own. */
export async function stopHealthy(daemon: TestDaemon): Promise<void> {
  await daemon.stop();
  assertNoFaults(daemon);
}

/** How many sockets the daemon has open: other descriptors come and go as it watches its files. */
export async function openSockets(daemon: TestDaemon): Promise<number> {
  const folder = `/proc/${daemon.pid}/fd`;
  const targets = (await readdir(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => 'closed meanwhile'));
  return (await Promise.all(targets)).filter((target) => target.startsWith('socket:')).length;
}

/**
 * Waits until the daemon has no more sockets open than given.
 * @param closeIdle closes what the daemon may keep open: called before each look, as a request that is still under way when
 * the wait begins leaves an idle upstream connection behind when it ends
 */
export async function socketsBackTo(
  daemon: TestDaemon,
  count: number,
  closeIdle: () => void = () => {},
): Promise<void> {
  await eventually(`at most ${count} open sockets`, async () => {
    closeIdle();
    return (await openSockets(daemon)) <= count;
  });
}
