import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { Run } from './run.ts';

/** Starts a run and notes what it calls. */
function started<T>(run: Run<T>): string[] {
  const calls: string[] = [];
  run.start(
    (result) => calls.push(`result ${String(result)}`),
    (error) => calls.push(`error ${error.code}`),
  );
  return calls;
}

const never = (): Promise<never> => new Promise(() => {});

describe('a run', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('gives its result once', async () => {
    const calls = started(new Run(100, () => Promise.resolve('yes')));
    expect(calls).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls).toEqual(['result yes']);
  });

  it('fails with the error of its work, as a ProxyError', async () => {
    const own = started(new Run(100, () => Promise.reject(new ProxyError('dial_failed', 'refused'))));
    const foreign = started(new Run(100, () => Promise.reject(new Error('a fault'))));
    const thrown = started(
      new Run<never>(100, () => {
        throw new Error('before any promise');
      }),
    );
    await vi.advanceTimersByTimeAsync(0);
    expect([own, foreign, thrown]).toEqual([['error dial_failed'], ['error internal'], ['error internal']]);
  });

  it('fails when its time is up, and aborts its work', async () => {
    let signal: AbortSignal | undefined;
    const calls = started(
      new Run(100, (given) => {
        signal = given;
        return never();
      }),
    );
    await vi.advanceTimersByTimeAsync(99);
    expect([calls, signal?.aborted]).toEqual([[], false]);
    await vi.advanceTimersByTimeAsync(1);
    expect([calls, signal?.aborted]).toEqual([['error filter_timeout'], true]);
  });

  it('gives no result that comes after its time', async () => {
    const calls = started(new Run(100, () => new Promise((resolve) => setTimeout(resolve, 150, 'late'))));
    await vi.advanceTimersByTimeAsync(200);
    expect(calls).toEqual(['error filter_timeout']);
  });

  it('calls nothing after it was aborted, and tells its work why', async () => {
    const reason = new ProxyError('client_closed', 'gone');
    let signal: AbortSignal | undefined;
    const run = new Run(100, (given) => {
      signal = given;
      return new Promise((resolve) => setTimeout(resolve, 50, 'unwanted'));
    });
    const calls = started(run);
    run.abort(reason);
    expect(signal?.reason).toBe(reason);
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not disturbed by an abort after its end', async () => {
    let signal: AbortSignal | undefined;
    const run = new Run(100, (given) => {
      signal = given;
      return Promise.resolve('yes');
    });
    const calls = started(run);
    await vi.advanceTimersByTimeAsync(0);
    run.abort();
    expect([calls, signal?.aborted]).toEqual([['result yes'], false]);
  });
});
