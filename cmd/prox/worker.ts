import { createLogger } from '../../internal/logger/index.ts';
import { END_NOW_WAIT, endProcess, runWorker } from '../../internal/supervisor/index.ts';
import { surviveFaults } from './survive-faults.ts';

/**
 * Signals for the supervisor, which a terminal sends to all processes at once, and service managers often do. Workers
 * end when the supervisor says so. When it is gone they end by themselves, and SIGTERM and SIGINT mean them: whoever
 * sends them does not want to wait, as a service manager that is to start prox again.
 */
const IGNORED = ['SIGHUP', 'SIGINT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/** Those that end a worker which nobody else can end. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'];

/** Runs a worker; only the supervisor starts one. @returns the exit status when somebody else has */
export function worker(): number {
  if (process.send === undefined) {
    process.stderr.write('prox worker is what prox serve starts by itself\n');
    return 1;
  }
  for (const signal of IGNORED) {
    process.on(signal, () => {
      if (!process.connected && ENDING.includes(signal)) void endProcess(1, END_NOW_WAIT);
    });
  }
  const logger = createLogger({ shared: true });
  surviveFaults(logger);
  runWorker(logger);
  return 0;
}
