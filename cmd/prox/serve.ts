import { createLogger, type Logger, resolveLevel } from '../../internal/logger/index.ts';
import { Daemon, problemsOf } from '../../internal/supervisor/index.ts';
import { ConfigWatcher, ReloadQueue } from '../../internal/watcher/index.ts';

/** What `prox serve` was told on its command line. */
export interface ServeOptions {
  readonly configPath: string;
  readonly levelFlag: string | null;
  readonly watch: boolean;
  /** Null when not given. */
  readonly workers: number | null;
  readonly version: string;
}

/** Runs the daemon until a signal ends it. */
export async function serve(options: ServeOptions): Promise<void> {
  const levelEnv = process.env['LOG_LEVEL'] ?? null;
  const { level } = resolveLevel({ env: levelEnv, flag: options.levelFlag });
  const logger = createLogger({ level });
  surviveFaults(logger);
  if (options.workers !== null && options.workers > 1) {
    logger.warn('this version serves from one process; -workers changes nothing', { workers: options.workers });
  }
  const daemon = new Daemon({ configPath: options.configPath, levelFlag: options.levelFlag, levelEnv, logger });
  try {
    await daemon.start();
  } catch (error) {
    for (const problem of problemsOf(error)) logger.error(problem);
    logger.error('prox cannot start');
    await logger.close();
    process.exitCode = 1;
    return;
  }
  logger.info('ready', { version: options.version, pid: process.pid, start_ms: Math.round(performance.now()) });
  attend(daemon, logger, options.watch);
}

/** Connects what happens outside with what the daemon does: changed files, SIGHUP, and the signals that end it. */
function attend(daemon: Daemon, logger: Logger, watch: boolean): void {
  const watcher = watch ? watchFiles() : null;
  const reloads = new ReloadQueue(async (why) => {
    const done = await daemon.reload(why);
    watcher?.watch(daemon.filesToWatch);
    return done;
  });
  watcher?.watch(daemon.filesToWatch);

  process.on('SIGHUP', () => {
    void daemon.reopenLogs().then(() => reloads.request('SIGHUP'));
  });
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      logger.warn('second signal, exiting at once', { signal });
      process.exit(1);
    }
    stopping = true;
    logger.info('stopping', { signal });
    void end();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  function watchFiles(): ConfigWatcher {
    return new ConfigWatcher({
      onChange: async (paths) => {
        await reloads.request(`changed: ${paths.join(', ')}`);
      },
      onError: (error) => logger.error('watching the config failed', { error }),
    });
  }

  async function end(): Promise<void> {
    await watcher?.close();
    await daemon.stop();
    await logger.close();
    process.exit(0);
  }
}

/**
 * Exceptions are caught where they happen and cost one connection. What slips through all the same must not end the
 * service of everybody else: it is logged as what it is, a fault of prox.
 */
function surviveFaults(logger: Logger): void {
  process.on('uncaughtException', (error) => logger.error('uncaught exception', { error }));
  process.on('unhandledRejection', (reason) => {
    logger.error('unhandled rejection', { error: reason instanceof Error ? reason : new Error(String(reason)) });
  });
}
