import { afterEach, expect, it } from 'vitest';
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { accepts } from '../testing/ports.ts';
import { workerPids } from '../testing/worker-processes.ts';

/** Where Node listens with its debugger. */
const DEBUGGER = 9229;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

it('SIGUSR1 opens no debugger, neither in the supervisor nor in a worker', async () => {
  const daemon = await TestDaemon.start(webConfig([{ action: { type: 'static', status: 204 } }]), { workers: 1 });
  closers.push(() => daemon.stop());
  for (const pid of [daemon.pid, ...(await workerPids(daemon.pid))]) process.kill(pid, 'SIGUSR1');
  // A signal that is heeded shows that the one before was, too.
  daemon.signal('SIGHUP');
  await daemon.logged(({ msg }) => msg === 'config reloaded');
  expect(await accepts(DEBUGGER)).toBe(false);
});
