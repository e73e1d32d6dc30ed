import { availableParallelism } from 'node:os';
import { FEATURES } from '../../internal/feature/list.ts';
import { createLogger, type Logger, resolveLevel } from '../../internal/logger/index.ts';
import {
  Daemon,
  endProcess,
  PidFile,
  Predecessor,
  problemsOf,
  ServiceManager,
  SocketActivation,
} from '../../internal/supervisor/index.ts';
import { descriptors, measureDescriptors } from '../../internal/transport/index.ts';
import { controlProcess } from './process-control.ts';
import { surviveFaults } from './survive-faults.ts';

/** The options of `prox serve` on the command line. */
export interface ServeOptions {
  readonly configPath: string;
  readonly levelFlag: string | null;
  readonly watch: boolean;
  /** Number of worker processes; 0 = none, null = one for each core. */
  readonly workers: number | null;
  /** Path of the pid file; null for none. */
  readonly pidFile: string | null;
  readonly version: string;
}

/** Runs the daemon; resolves when it serves. Signals end the process later. */
export async function serve(options: ServeOptions): Promise<void> {
  const levelEnv = process.env['LOG_LEVEL'] ?? null;
  const { level } = resolveLevel({ env: levelEnv, flag: options.levelFlag });
  const workers = options.workers ?? availableParallelism();
  // During a restart two processes write to the log, even without workers.
  const logger = createLogger({ level, shared: true });
  surviveFaults(logger);
  // These signals have no effect until the config is loaded; by default SIGHUP and SIGUSR2 would end the process.
  // SIGUSR1, which makes other servers reopen their logs, would open Node's debugger to every user of the machine.
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
  const manager = new ServiceManager(logger);
  const activation = new SocketActivation();
  let pidFile: PidFile | null = null;
  const predecessor = await Predecessor.find(() => void orphaned(logger, pidFile));
  const daemon = new Daemon({
    configPath: options.configPath,
    features: FEATURES,
    levelFlag: options.levelFlag,
    levelEnv,
    workers,
    logger,
    inherited: predecessor?.inheritance ?? null,
    activation,
  });
  try {
    pidFile = options.pidFile === null ? null : await PidFile.prepare(options.pidFile);
    await daemon.start();
    pidFile?.publish();
  } catch (error) {
    await cannotStart(problemsOf(error), logger, predecessor);
    daemon.kill();
    pidFile?.remove();
    await logger.close();
    return endProcess(1);
  }
  let introduce = (): void => {};
  const introduced = new Promise<void>((resolve) => (introduce = resolve));
  controlProcess({
    daemon,
    logger,
    manager,
    pidFile,
    watch: options.watch,
    introduced,
    succeeds: predecessor !== null,
  });
  // This line comes last because it also announces that prox now obeys signals.
  logger.info('ready', {
    version: options.version,
    process: process.pid,
    workers,
    ...(predecessor === null ? {} : { predecessor: predecessor.pid }),
    ...descriptorFacts(),
    start_ms: Math.round(performance.now()),
  });
  // The predecessor is the main process of the service until the manager knows this one, so it must not end earlier.
  await manager.ready('Serving');
  predecessor?.ready([...daemon.inheritance.addresses.keys()]);
  introduce();
}

/** How many file descriptors each process may have open, and how many clients it can serve with them at a time. */
function descriptorFacts(): Record<string, number> {
  measureDescriptors();
  const { limit, maxClients } = descriptors;
  return limit === Infinity ? {} : { descriptors: limit, clients: maxClients };
}

/** Reports the problems. During a restart the predecessor logs them, because its logs are open. */
async function cannotStart(
  problems: readonly string[],
  logger: Logger,
  predecessor: Predecessor | null,
): Promise<void> {
  if (predecessor !== null) return predecessor.failed(problems);
  for (const problem of problems) logger.error(problem);
  logger.error('prox cannot start');
}

/** Ends this process because the predecessor was killed during the restart; the workers end with it. */
async function orphaned(logger: Logger, pidFile: PidFile | null): Promise<void> {
  pidFile?.remove();
  logger.error('the old process ended during the restart, before this process was ready; this process ends too');
  await logger.close();
  await endProcess(1);
}
