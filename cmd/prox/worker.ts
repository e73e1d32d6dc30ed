import { FEATURES } from '../../internal/feature/list.ts';
import { createLogger } from '../../internal/logger/index.ts';
import { END_NOW_WAIT, endProcess, runWorker } from '../../internal/supervisor/index.ts';
import { surviveFaults } from './survive-faults.ts';

/**
 * Signals that are meant for the supervisor. Terminals, and often service managers, send them to all processes, so
 * workers ignore them and end when the supervisor says so. When the supervisor is gone, workers finish their exchanges
 * and end by themselves; SIGTERM and SIGINT then end them at once, so that a service manager can start prox again.
 */
const IGNORED = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/** The signals that end a worker whose supervisor is gone. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Runs a worker. Only the supervisor may start one; otherwise prints an error. @returns the exit status so far */
export function worker(): number {
  if (process.send === undefined) {
    process.stderr.write('prox serve starts its workers itself; run prox serve\n');
    return 1;
  }
  for (const signal of IGNORED) {
    process.on(signal, () => {
      if (!process.connected && ENDING.includes(signal)) void endProcess(1, END_NOW_WAIT);
    });
  }
  const logger = createLogger({ shared: true });
  surviveFaults(logger);
  runWorker(logger, FEATURES);
  return 0;
}
