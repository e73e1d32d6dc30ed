import { describe, expect, it } from 'vitest';
import { ProxyError } from '../base/index.ts';
import { type PhaseOwner, runPhase } from './phase.ts';
import { Run } from './run.ts';

type Verdict = string | null | Run<string | null>;

const later = (result: string | null): Run<string | null> => new Run(1000, () => Promise.resolve(result));

/** Runs a phase of filters that give these verdicts, and notes what happens. */
function run(verdicts: readonly Verdict[]): {
  log: string[];
  waiting: () => Run<unknown> | null;
  settled: Promise<void>;
} {
  const log: string[] = [];
  let held: Run<unknown> | null = null;
  let settle = (): void => {};
  const settled = new Promise<void>((resolve) => (settle = resolve));
  const owner: PhaseOwner = {
    guard: (action) => action(),
    waitFor: (next) => {
      held = next;
      log.push(next === null ? 'goes on' : 'waits');
    },
  };
  runPhase(
    verdicts.map((verdict, i) => ({ verdict, i })),
    owner,
    ({ verdict, i }) => {
      log.push(`filter ${i}`);
      return verdict;
    },
    (decision) => {
      log.push(`done ${decision}`);
      settle();
    },
    (error) => {
      log.push(`failed ${error.code}`);
      settle();
    },
  );
  return { log, waiting: () => held, settled };
}

describe('a phase', () => {
  it('is done at once when every filter goes on', () => {
    expect(run([null, null]).log).toEqual(['filter 0', 'filter 1', 'done null']);
  });

  it('ends with the first decision', () => {
    expect(run([null, 'answer', null]).log).toEqual(['filter 0', 'filter 1', 'done answer']);
  });

  it('waits for a run, and goes on behind its filter', async () => {
    const { log, settled } = run([null, later(null), later(null), 'answer', null]);
    expect(log).toEqual(['filter 0', 'filter 1', 'waits']);
    await settled;
    expect(log.slice(3)).toEqual(['goes on', 'filter 2', 'waits', 'goes on', 'filter 3', 'done answer']);
  });

  it('ends with the decision of a run', async () => {
    const { log, settled } = run([later('answer'), null]);
    await settled;
    expect(log).toEqual(['filter 0', 'waits', 'goes on', 'done answer']);
  });

  it('ends with the error of a run', async () => {
    const { log, settled } = run([new Run(1000, () => Promise.reject(new ProxyError('dial_failed', ''))), null]);
    await settled;
    expect(log).toEqual(['filter 0', 'waits', 'goes on', 'failed dial_failed']);
  });

  it('does nothing more when its run is aborted', async () => {
    const { log, waiting } = run([later(null), null]);
    waiting()?.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(log).toEqual(['filter 0', 'waits']);
  });
});
