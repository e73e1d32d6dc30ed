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

/** The stage of the process's life. */
type Stage =
  | { readonly kind: 'serving' }
  /** A successor is starting. */
  | { readonly kind: 'restarting'; readonly successor: Successor }
  /** A successor serves; this process finishes its exchanges. `warned`: a stop signal has come since. */
  | { readonly kind: 'succeeded'; warned: boolean }
  | { readonly kind: 'stopping' };

/** A daemon that serves, and what belongs to its process. */
export interface ControlledDaemon {
  readonly daemon: Daemon;
  readonly logger: Logger;
  readonly manager: ServiceManager;
  readonly pidFile: PidFile | null;
  /** Whether a change of a file causes a reload. */
  readonly watch: boolean;
  /** Resolves when the predecessor, if there is one, knows that this process serves. */
  readonly introduced: Promise<void>;
  /** Whether a predecessor has started this process; then npm has not. */
  readonly succeeds: boolean;
}

/** Makes the daemon react to changed files and to signals. */
export function controlProcess(controlled: ControlledDaemon): void {
  new ProcessControl(controlled).start();
}

/**
 *     serving ──SIGUSR2──> restarting ──the successor is ready──> succeeded ──drained──> exit 0
 *        │ <──it failed───────┘ │                                    │ the second SIGTERM: exit 1
 *        └──────SIGTERM─────────┴──> stopping ──drained──> exit 0    │
 *                                       └──SIGTERM──> exit 1 <───────┘
 *
 * Reloads and restarts wait for each other, so that the sockets do not change while a successor takes them over.
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
  /** Resolves when the current reload or restart is over. */
  private turn: Promise<unknown> = Promise.resolve();
  /** A SIGHUP has come during a restart; the process that serves after the restart reloads. */
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
    // A successor reads and watches the files itself.
    if (this.stage.kind !== 'serving') return false;
    // The reload does not depend on the answer of the service manager, so it does not wait for it.
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
      this.logger.warn('restart refused', { why: refused });
      return;
    }
    // The predecessor must know first that this process serves. Otherwise this process might end before the predecessor
    // knows, and the predecessor would continue to serve beside the successor.
    await this.introduced;
    await this.inTurn(async () => {
      // A stop signal may have come in the meantime.
      if (this.stage.kind === 'serving') await this.startSuccessor();
    });
  }

  private whyNoRestart(): string | null {
    if (process.pid === 1)
      return 'prox is the first process of a container, and the container would end with it; restart the container';
    switch (this.stage.kind) {
      case 'serving':
        return null;
      case 'restarting':
        return 'another restart is in progress';
      case 'succeeded':
        return 'this process already has a successor; signal that one';
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
    // A stop signal has come in the meantime; it ends both processes.
    if (this.stage.kind !== 'restarting') return;
    if (started.kind === 'failed') {
      this.stage = { kind: 'serving' };
      this.restartFailed(started.problems);
    } else {
      this.stage = { kind: 'succeeded', warned: false };
      const duration = Math.round(performance.now() - began);
      this.logger.info('restarted; this process finishes its exchanges', {
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
    this.logger.error('restart failed; this process continues to serve');
    for (const problem of problems) this.logger.error(problem);
    // The successor may already have announced itself to the service manager and replaced the pid file.
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
      // A service manager that stops the successor may signal all processes; this one is about to end anyway.
      stage.warned = true;
      logger.info('already stopping, because a successor serves', { signal });
      return;
    }
    this.finish(stage, { signal });
  }

  private npmEnded(): void {
    const { stage } = this;
    // After a restart this process is about to end anyway; the successor does not depend on npm.
    if (stage.kind === 'stopping' || stage.kind === 'succeeded') return;
    this.finish(stage, { why: 'npm, which started this process, has ended' });
  }

  private stopNow(signal: NodeJS.Signals): void {
    this.logger.warn('second stop signal; exiting at once', { signal });
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

  /** Drains the daemon and exits. @param also must be over, too, before the process exits */
  private end(taken: ReadonlySet<string>, also: Promise<unknown> = Promise.resolve()): void {
    // A reload or a check of files that is in progress has no effect any more, so nothing waits for it.
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
      onError: (error) => this.logger.error('problem with watching the config files', { error }),
    });
  }

  /** Logs the failure of work that no caller waits for. The daemon itself logs reloads that fail. */
  private report(error: unknown): void {
    if (error instanceof ReloadQueueClosed) return;
    this.logger.error('a signal or a file change was not handled', {
      error: error instanceof Error ? error : new Error(String(error)),
    });
  }
}
