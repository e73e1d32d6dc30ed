import { availableParallelism } from 'node:os';
import { createLogger, type Logger, resolveLevel } from '../../internal/logger/index.ts';
import { Daemon, problemsOf } from '../../internal/supervisor/index.ts';
import { ConfigWatcher, ReloadQueue, ReloadQueueClosed } from '../../internal/watcher/index.ts';
import { surviveFaults } from './survive-faults.ts';

/** What `prox serve` was told on its command line. */
export interface ServeOptions {
  readonly configPath: string;
  readonly levelFlag: string | null;
  readonly watch: boolean;
  /** Worker processes; 0 = none, null = one for each core. */
  readonly workers: number | null;
  readonly version: string;
}

/** Runs the daemon until a signal ends it. */
export async function serve(options: ServeOptions): Promise<void> {
  const levelEnv = process.env['LOG_LEVEL'] ?? null;
  const { level } = resolveLevel({ env: levelEnv, flag: options.levelFlag });
  const workers = options.workers ?? availableParallelism();
  const logger = createLogger({ level, shared: workers > 0 });
  surviveFaults(logger);
  // Until there is a config to reload, SIGHUP has nothing to do; by default it would end the process.
  process.on('SIGHUP', () => {});
  const daemon = new Daemon({
    configPath: options.configPath,
    levelFlag: options.levelFlag,
    levelEnv,
    workers,
    logger,
  });
  try {
    await daemon.start();
  } catch (error) {
    for (const problem of problemsOf(error)) logger.error(problem);
    logger.error('prox cannot start');
    daemon.kill();
    await logger.close();
    process.exit(1);
  }
  attend(daemon, logger, options.watch);
  // Last, as it tells those who wait for it that signals are heeded too.
  logger.info('ready', {
    version: options.version,
    process: process.pid,
    workers,
    start_ms: Math.round(performance.now()),
  });
}

/** Connects what happens outside with what the daemon does: changed files, SIGHUP, and the signals that end it. */
function attend(daemon: Daemon, logger: Logger, watch: boolean): void {
  let stopping = false;
  const watcher = watch ? watchFiles() : null;
  const reloads = new ReloadQueue(async (why) => {
    const done = await daemon.reload(why);
    watcher?.watch(daemon.filesToWatch, daemon.filesReadAt);
    return done;
  });
  watcher?.watch(daemon.filesToWatch, daemon.filesReadAt);

  process.on('SIGHUP', () => {
    if (!stopping)
      daemon
        .reopenLogs()
        .then(() => reloads.request('SIGHUP'))
        .catch(report);
  });
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      logger.warn('second signal, exiting at once', { signal });
      daemon.kill();
      process.exit(1);
    }
    stopping = true;
    logger.info('stopping', { signal });
    end().catch((error: unknown) => {
      report(error);
      process.exit(1);
    });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  function watchFiles(): ConfigWatcher {
    return new ConfigWatcher({
      onChange: async (paths) => {
        if (!stopping) await reloads.request(`changed: ${paths.join(', ')}`).catch(report);
      },
      onError: (error) => logger.error('watching the config failed', { error }),
    });
  }

  /** What nobody waits for has failed. Refused reloads are none of it: they are told of by the daemon. */
  function report(error: unknown): void {
    if (error instanceof ReloadQueueClosed) return;
    logger.error('a signal was not served', { error: error instanceof Error ? error : new Error(String(error)) });
  }

  async function end(): Promise<void> {
    // A reload or a look at the files that is under way is not waited for: it can change nothing any more.
    watcher?.close().catch(report);
    reloads.close().catch(report);
    await daemon.stop();
    await logger.close();
    process.exit(0);
  }
}
