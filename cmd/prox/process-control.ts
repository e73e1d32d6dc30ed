import type { Logger } from '../../internal/logger/index.ts';
import {
  type Daemon,
  END_NOW_WAIT,
  endProcess,
  type PidFile,
  problemsOf,
  type ServiceManager,
  Successor,
} from '../../internal/supervisor/index.ts';
import { ConfigWatcher, ReloadQueue, ReloadQueueClosed } from '../../internal/watcher/index.ts';
import { watchNpm } from './npm-parent.ts';
import { RepeatedSignal } from './repeated-signal.ts';

/** What becomes of the process. */
type Stage =
  | { readonly kind: 'serving' }
  /** A successor is starting. */
  | { readonly kind: 'restarting'; readonly successor: Successor }
  /** A successor serves, and what is left here is finished. `warned`: a signal to end has come all the same. */
  | { readonly kind: 'succeeded'; warned: boolean }
  | { readonly kind: 'stopping' };

/** A daemon that serves, and who is concerned. */
export interface ControlledDaemon {
  readonly daemon: Daemon;
  readonly logger: Logger;
  readonly manager: ServiceManager;
  readonly pidFile: PidFile | null;
  /** Whether changed files are reloaded. */
  readonly watch: boolean;
  /** Resolves when the generation before, if there is one, knows that this one serves. */
  readonly introduced: Promise<void>;
  /** Whether a generation before has started this process: then no npm has. */
  readonly succeeds: boolean;
}

/** Connects what happens outside with what the daemon does: changed files, and signals. */
export function controlProcess(controlled: ControlledDaemon): void {
  new ProcessControl(controlled).start();
}

/**
 *     serving ──SIGUSR2──> restarting ──the successor is ready──> succeeded ──drained──> exit 0
 *        │ <──it failed───────┘ │                                    │ the second SIGTERM: exit 1
 *        └──────SIGTERM─────────┴──> stopping ──drained──> exit 0    │
 *                                       └──SIGTERM──> exit 1 <───────┘
 *
 * Reloads and restarts wait for each other, so that what is left to a successor does not change on its way.
 */
class ProcessControl {
  private readonly daemon: Daemon;
  private readonly logger: Logger;
  private readonly manager: ServiceManager;
  private readonly pidFile: PidFile | null;
  private readonly watcher: ConfigWatcher | null;
  private readonly introduced: Promise<void>;
  private readonly succeeds: boolean;
  private readonly endings = new RepeatedSignal();
  private readonly reloads: ReloadQueue<boolean>;
  private stage: Stage = { kind: 'serving' };
  /** Ends with the reload or the restart that is under way. */
  private turn: Promise<unknown> = Promise.resolve();
  /** A SIGHUP has come during a restart; it is for whoever serves afterwards. */
  private hungUp = false;

  constructor({ daemon, logger, manager, pidFile, watch, introduced, succeeds }: ControlledDaemon) {
    this.introduced = introduced;
    this.succeeds = succeeds;
    this.daemon = daemon;
    this.logger = logger;
    this.manager = manager;
    this.pidFile = pidFile;
    this.watcher = watch ? this.watchFiles() : null;
    this.reloads = new ReloadQueue((why) => this.inTurn(() => this.reload(why)));
  }

  start(): void {
    this.watch();
    process.on('SIGHUP', () => this.hangUp());
    process.on('SIGUSR2', () => void this.restart().catch((error: unknown) => this.report(error)));
    process.on('SIGTERM', (signal) => this.stop(signal));
    process.on('SIGINT', (signal) => this.stop(signal));
    if (!this.succeeds) watchNpm(() => this.npmEnded());
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => {});
    return result;
  }

  private async reload(why: string): Promise<boolean> {
    // A successor has read the files itself, or watches them.
    if (this.stage.kind !== 'serving') return false;
    // Not waited for: it changes nothing in what is done.
    void this.manager.reloading();
    const done = await this.daemon.reload(why);
    if (this.stage.kind === 'serving') {
      void this.manager.ready(done ? 'Serving' : 'Serving; the last reload failed, see the log');
    }
    this.watch();
    return done;
  }

  private hangUp(): void {
    const { kind } = this.stage;
    if (kind === 'stopping') return;
    if (kind === 'restarting') this.hungUp = true;
    this.daemon
      .reopenLogs()
      .then(() => (kind === 'serving' ? this.reloads.request('SIGHUP') : null))
      .catch((error: unknown) => this.report(error));
  }

  private async restart(): Promise<void> {
    const refused = this.whyNoRestart();
    if (refused !== null) {
      this.logger.warn('the restart is refused', { why: refused });
      return;
    }
    // With a successor at once, this process might end unknown, and the one before would go on beside the next.
    await this.introduced;
    await this.inTurn(async () => {
      // What was waited for may have been the end.
      if (this.stage.kind === 'serving') await this.startSuccessor();
    });
  }

  private whyNoRestart(): string | null {
    if (process.pid === 1) return 'prox is the first process of a container, which would end with it; restart that';
    switch (this.stage.kind) {
      case 'serving':
        return null;
      case 'restarting':
        return 'another one is under way';
      case 'succeeded':
        return 'this process has a successor already';
      case 'stopping':
        return 'prox is stopping';
    }
  }

  private async startSuccessor(): Promise<void> {
    const began = performance.now();
    let successor: Successor;
    try {
      successor = new Successor(this.daemon.inheritance, this.manager.environment);
    } catch (error) {
      this.restartFailed(problemsOf(error));
      return;
    }
    this.stage = { kind: 'restarting', successor };
    this.logger.info('restarting', { successor: successor.pid });
    const started = await successor.started;
    // It was told to end meanwhile, and so was the successor.
    if (this.stage.kind !== 'restarting') return;
    if (started.kind === 'failed') {
      this.stage = { kind: 'serving' };
      this.restartFailed(started.problems);
    } else {
      this.stage = { kind: 'succeeded', warned: false };
      const duration = Math.round(performance.now() - began);
      this.logger.info('restarted; this process finishes what it has begun', {
        successor: successor.pid,
        duration_ms: duration,
      });
      this.end(started.taken);
    }
    if (!this.hungUp) return;
    this.hungUp = false;
    if (started.kind === 'ready') successor.hangUp();
    else this.reloads.request('SIGHUP').catch((error: unknown) => this.report(error));
  }

  private restartFailed(problems: readonly string[]): void {
    this.logger.error('restart failed, this process goes on as before');
    for (const problem of problems) this.logger.error(problem);
    // It may have come as far as to take this process's place, for the service manager and whoever sends signals.
    void this.manager.ready('Serving; the last restart failed, see the log');
    try {
      this.pidFile?.reclaim();
    } catch (error) {
      this.report(error);
    }
  }

  private stop(signal: NodeJS.Signals): void {
    if (this.endings.isEcho(signal)) return;
    const { stage, logger } = this;
    if (stage.kind === 'stopping' || (stage.kind === 'succeeded' && stage.warned)) {
      this.stopNow(signal);
      return;
    }
    if (stage.kind === 'succeeded') {
      // A service manager that stops the new generation may signal all processes; this one is about to end anyway.
      stage.warned = true;
      logger.info('already stopping, as a successor serves', { signal });
      return;
    }
    this.finish(stage, { signal });
  }

  private npmEnded(): void {
    const { stage } = this;
    // After a restart this process is about to end anyway, and its successor was meant to stay.
    if (stage.kind === 'stopping' || stage.kind === 'succeeded') return;
    this.finish(stage, { why: 'npm, which started this process, has ended' });
  }

  private stopNow(signal: NodeJS.Signals): void {
    this.logger.warn('second signal, exiting at once', { signal });
    this.removePidFile();
    this.daemon.kill();
    void endProcess(1, END_NOW_WAIT);
  }

  private removePidFile(): void {
    try {
      this.pidFile?.remove();
    } catch (error) {
      this.report(error);
    }
  }

  private finish(
    stage: Stage & { kind: 'serving' | 'restarting' },
    fields: { signal: string } | { why: string },
  ): void {
    this.stage = { kind: 'stopping' };
    this.logger.info('stopping', fields);
    const ended = stage.kind === 'restarting' ? stage.successor.end() : Promise.resolve();
    this.end(new Set(), Promise.all([ended, this.manager.stopping()]));
  }

  /** @param also is waited for too */
  private end(taken: ReadonlySet<string>, also: Promise<unknown> = Promise.resolve()): void {
    // A reload or a look at the files that is under way is not waited for: it can change nothing any more.
    this.watcher?.close().catch((error: unknown) => this.report(error));
    this.reloads.close().catch((error: unknown) => this.report(error));
    Promise.all([this.daemon.stop(taken), also])
      .then(() => this.pidFile?.remove())
      .then(() => this.logger.close())
      .then(() => endProcess(0))
      .catch((error: unknown) => {
        this.report(error);
        void endProcess(1);
      });
  }

  private watch(): void {
    this.watcher?.watch(this.daemon.filesToWatch, this.daemon.filesReadAt);
  }

  private watchFiles(): ConfigWatcher {
    return new ConfigWatcher({
      onChange: async (paths) => {
        if (this.stage.kind !== 'serving' && this.stage.kind !== 'restarting') return;
        await this.reloads.request(`changed: ${paths.join(', ')}`).catch((error: unknown) => this.report(error));
      },
      onError: (error) => this.logger.error('watching the config failed', { error }),
    });
  }

  /** What nobody waits for has failed. Refused reloads are none of it: they are told of by the daemon. */
  private report(error: unknown): void {
    if (error instanceof ReloadQueueClosed) return;
    this.logger.error('a signal was not served', { error: error instanceof Error ? error : new Error(String(error)) });
  }
}
