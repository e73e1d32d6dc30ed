import { describe, expect, it } from 'vitest';
import { ReloadQueue, ReloadQueueClosed } from './reload-queue.ts';

/** A queue whose reloads end when the test says so. */
function heldQueue() {
  const runs: { why: string; end: (result: string) => void; fail: (error: Error) => void }[] = [];
  const queue = new ReloadQueue<string>(
    (why) => new Promise<string>((resolve, reject) => runs.push({ why, end: resolve, fail: reject })),
  );
  return { queue, runs };
}

describe('ReloadQueue', () => {
  it('runs a request at once and gives it the result', async () => {
    const { queue, runs } = heldQueue();
    const request = queue.request('SIGHUP');
    expect(runs.map(({ why }) => why)).toEqual(['SIGHUP']);
    expect(queue.busy).toBe(true);
    runs[0]?.end('reloaded');
    expect(await request).toBe('reloaded');
    await queue.close();
    expect(queue.busy).toBe(false);
  });

  it('joins everything that comes during a run into one more run, with a result of its own', async () => {
    const { queue, runs } = heldQueue();
    const first = queue.request('files');
    const later = [queue.request('SIGHUP'), queue.request('files'), queue.request('SIGHUP')];
    expect(runs).toHaveLength(1);
    runs[0]?.end('one');
    expect(await first).toBe('one');
    expect(runs.map(({ why }) => why)).toEqual(['files', 'SIGHUP, files']);
    runs[1]?.end('two');
    expect(await Promise.all(later)).toEqual(['two', 'two', 'two']);
    expect(runs).toHaveLength(2);
  });

  it('gives a failure to those that asked for that run, and goes on', async () => {
    const { queue, runs } = heldQueue();
    const first = queue.request('one');
    const second = queue.request('two');
    runs[0]?.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    runs[1]?.end('mended');
    expect(await second).toBe('mended');
  });

  it('survives a reload that throws before it returns a promise', async () => {
    let runs = 0;
    const queue = new ReloadQueue<number>(() => {
      if (++runs === 1) throw new Error('at once');
      return Promise.resolve(runs);
    });
    await expect(queue.request('one')).rejects.toThrow('at once');
    expect(await queue.request('two')).toBe(2);
  });

  it('takes a request from within a run as one for the next', async () => {
    const results: Promise<number>[] = [];
    let runs = 0;
    const queue = new ReloadQueue<number>(async () => {
      runs++;
      if (runs === 1) results.push(queue.request('again'));
      return Promise.resolve(runs);
    });
    expect(await queue.request('first')).toBe(1);
    expect(await results[0]).toBe(2);
  });

  it('never runs two at once', async () => {
    let running = 0;
    let most = 0;
    const queue = new ReloadQueue<void>(async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => setImmediate(resolve));
      running--;
    });
    const requests: Promise<void>[] = [];
    for (let i = 0; i < 50; i++) {
      requests.push(queue.request('again'));
      if (i % 7 === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    }
    await Promise.all(requests);
    expect(most).toBe(1);
  });

  it('lets the run under way end when it is closed, and refuses what waits and what comes', async () => {
    const { queue, runs } = heldQueue();
    const first = queue.request('one');
    const waiting = queue.request('two');
    const closed = queue.close();
    await expect(waiting).rejects.toThrow(ReloadQueueClosed);
    await expect(queue.request('three')).rejects.toThrow(ReloadQueueClosed);
    runs[0]?.end('done');
    await closed;
    expect(await first).toBe('done');
    expect(runs).toHaveLength(1);
  });
});
