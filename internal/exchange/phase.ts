import type { ProxyError } from '../base/index.ts';
import { Run } from './run.ts';

/** The exchange, or the part of it, whose filters run. */
export interface PhaseOwner {
  /** Runs an action of a later turn. An error that it throws ends this exchange alone. */
  guard(action: () => void): void;
  /** The exchange waits for this run, and aborts it when it ends itself; null when it does not wait any more. */
  waitFor(run: Run<unknown> | null): void;
}

/**
 * Runs the filters of a phase one after another until one decides something.
 * @param call gives the verdict of a filter: null to go on
 * @param done gets the decision, or null if every filter went on. Called at once, or in a later turn if a filter had to
 * wait. Not called if the exchange has ended in the meantime.
 * @param failed gets the error of a run
 */
export function runPhase<F, D>(
  filters: readonly F[],
  owner: PhaseOwner,
  call: (filter: F) => D | null | Run<D | null>,
  done: (decision: D | null) => void,
  failed: (error: ProxyError) => void,
  from = 0,
): void {
  for (let i = from; i < filters.length; i++) {
    const verdict = call(filters[i]);
    if (verdict === null) continue;
    if (!(verdict instanceof Run)) return done(verdict);
    owner.waitFor(verdict);
    verdict.start(
      (decision) =>
        owner.guard(() => {
          owner.waitFor(null);
          if (decision === null) runPhase(filters, owner, call, done, failed, i + 1);
          else done(decision);
        }),
      (error) =>
        owner.guard(() => {
          owner.waitFor(null);
          failed(error);
        }),
    );
    return;
  }
  done(null);
}
