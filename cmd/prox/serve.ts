import { availableParallelism } from 'node:os';
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

/** What `prox serve` was told on its command line. */
export interface ServeOptions {
  readonly configPath: string;
  readonly levelFlag: string | null;
  readonly watch: boolean;
  /** Worker processes; 0 = none, null = one for each core. */
  readonly workers: number | null;
  /** Null for none. */
  readonly pidFile: string | null;
  readonly version: string;
}

/** Runs the daemon until a signal ends it. */
export async function serve(options: ServeOptions): Promise<void> {
  const levelEnv = process.env['LOG_LEVEL'] ?? null;
  const { level } = resolveLevel({ env: levelEnv, flag: options.levelFlag });
  const workers = options.workers ?? availableParallelism();
  // Without workers, too, there are two writers for the time of a restart.
  const logger = createLogger({ level, shared: true });
  surviveFaults(logger);
  // Until there is a config, they have nothing to do; by default they would end the process.
  // SIGUSR1, by which others reopen logs, would open the debugger of Node to every user of the machine.
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => {});
  const manager = new ServiceManager(logger);
  const activation = new SocketActivation();
  let pidFile: PidFile | null = null;
  const predecessor = await Predecessor.find(() => void orphaned(logger, pidFile));
  const daemon = new Daemon({
    configPath: options.configPath,
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
  // Last, as it tells those who wait for it that signals are heeded too.
  logger.info('ready', {
    version: options.version,
    process: process.pid,
    workers,
    ...(predecessor === null ? {} : { predecessor: predecessor.pid }),
    ...descriptorFacts(),
    start_ms: Math.round(performance.now()),
  });
  // Before the predecessor ends: it is the main process of the service until the manager knows of this one.
  await manager.ready('Serving');
  predecessor?.ready([...daemon.inheritance.addresses.keys()]);
  introduce();
}

/** How many descriptors each process may have open, and how many clients it serves with them at a time. */
function descriptorFacts(): Record<string, number> {
  measureDescriptors();
  const { limit, maxClients } = descriptors;
  return limit === Infinity ? {} : { descriptors: limit, clients: maxClients };
}

/** At a restart, the predecessor tells: its logs are open. */
async function cannotStart(
  problems: readonly string[],
  logger: Logger,
  predecessor: Predecessor | null,
): Promise<void> {
  if (predecessor !== null) return predecessor.failed(problems);
  for (const problem of problems) logger.error(problem);
  logger.error('prox cannot start');
}

/** Whoever ended the predecessor during a restart wants no other prox. The workers end as this process does. */
async function orphaned(logger: Logger, pidFile: PidFile | null): Promise<void> {
  pidFile?.remove();
  logger.error('the process to succeed has ended before this one was ready, so it ends too');
  await logger.close();
  await endProcess(1);
}
