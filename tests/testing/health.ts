import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

import type { TestDaemon } from './daemon.ts';

/** Fails when the daemon has logged a fault of its own. */
export function assertNoFaults(daemon: TestDaemon): void {
  expect(daemon.log.filter((line) => line.level === 'error')).toEqual([]);
}

/** Ends a daemon of which every test is over, and fails when it has logged a fault of its own. */
export async function stopHealthy(daemon: TestDaemon): Promise<void> {
  await daemon.stop();
  assertNoFaults(daemon);
}

/** How many file descriptors the daemon has open. */
export async function openDescriptors(daemon: TestDaemon): Promise<number> {
  return (await readdir(`/proc/${daemon.pid}/fd`)).length;
}

/** Waits until the daemon has no more descriptors open than given. */
export async function descriptorsBackTo(daemon: TestDaemon, count: number): Promise<void> {
  await eventually(async () => (await openDescriptors(daemon)) <= count, `at most ${count} open descriptors`);
}

/** CPU time of the daemon so far, in milliseconds: user and system. */
export async function cpuTime(daemon: TestDaemon): Promise<number> {
  const fields = (await readFile(`/proc/${daemon.pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Waits until something that nobody tells of holds. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patience = 15_000,
): Promise<void> {
  const give = Date.now() + patience;
  while (!(await condition())) {
    if (Date.now() > give) throw new Error(`waited in vain for ${what}`);
    await delay(10);
  }
}
