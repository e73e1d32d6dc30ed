import { stat } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endProcess } from './end-process.ts';

/** Keeps the event loop busy: what a large config costs when it is parsed. */
function block(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('endProcess', () => {
  afterEach(() => vi.restoreAllMocks());

  it('takes files that are still being read for stuck threads only when the event loop was free to read them', async () => {
    const ended = new Promise<string>((resolve) => {
      vi.spyOn(process, 'exit').mockImplementation((status) => {
        resolve(`exit ${status}`);
        throw new Error('exited');
      });
      vi.spyOn(process, 'kill').mockImplementation((_pid, signal) => {
        resolve(String(signal));
        return true;
      });
    });
    const reading = (async () => {
      // Longer than the patience in time, but only a few turns of the loop.
      for (let i = 0; i < 5; i++) {
        block(60);
        await stat('.');
      }
    })();
    endProcess(0, 150).catch(() => {});
    expect(await ended).toBe('exit 0');
    await reading;
  });

  it('exits with the status of a failure although the end in order finds the threads idle first', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('exited');
    });
    const threads = vi.spyOn(process, 'getActiveResourcesInfo').mockReturnValue(['FSReqCallback']);
    endProcess(1, 100).catch(() => {});
    await vi.advanceTimersByTimeAsync(5);
    endProcess(0, 100).catch(() => {});
    await vi.advanceTimersByTimeAsync(6);
    threads.mockReturnValue([]);
    await vi.advanceTimersByTimeAsync(5);
    expect(exit.mock.calls).toEqual([[1]]);
    vi.useRealTimers();
  });
});
