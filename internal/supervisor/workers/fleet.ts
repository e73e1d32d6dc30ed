import type { HubPort, SupervisorHub } from '../../control/index.ts';
import { type Change, type DataPlaneOptions, ErrorLog } from '../../dataplane/index.ts';
import type { LogFiles, Logger } from '../../logger/index.ts';
import type { AddressTable } from '../address-table.ts';
import { type Addresses, type Engine, NoWorkerError } from '../engine.ts';
import { CrashBackoff } from './crash-backoff.ts';
import { type Command, errorOf } from './messages.ts';
import { clearCount, openSharedCounts } from './shared-counts.ts';
import { WorkerLogs } from './worker-logs.ts';
import { type Exit, type Member, type Outcome, type StartMember, WorkerProcess } from './worker-process.ts';

/** The options of a fleet. */
export interface FleetOptions extends Omit<DataPlaneOptions, 'line' | 'features'> {
  /** The supervisor's end of the control lines; each worker is connected while it lives. */
  readonly hub: SupervisorHub;
  /** Number of workers, at least 1. */
  readonly workers: number;
  /** The addresses in force, for workers that start later. */
  readonly addresses: AddressTable;
  /** Starts a worker; a process by default. */
  readonly startMember?: StartMember;
}

/** Milliseconds that a worker may take to start, or for a step of a change. A large config compiles for a second. */
const PATIENCE = 30_000;

/**
 * Milliseconds between two pings, and milliseconds for the answer. So a blocked worker is found within ten seconds. A
 * worker that compiles a large config may take PATIENCE.
 */
const PING_EVERY = 2000;
const PING_PATIENCE = 7500;

/** Milliseconds that a change waits for a worker that serves, after all have ended. */
const REVIVAL_PATIENCE = 60_000;

/** Milliseconds beyond the longest shutdown_timeout that a worker may take to end. */
const END_PATIENCE = 3000;

/** The place of one worker. When the worker has ended, another one takes the place. */
interface Place {
  readonly worker: number;
  readonly backoff: CrashBackoff;
  /** Null between two workers. */
  process: Member | null;
  /** Its control line; null between two workers. */
  port: HubPort | null;
  /** Whether it has the config in force, and takes part in changes. */
  serving: boolean;
  /** Whether a ping has no answer yet. */
  asked: boolean;
}

/**
 * Serves in worker processes.
 *
 * All workers take part in a change. A worker that ends during it does not make it fail: the worker that takes its
 * place starts with the config that is then in force. To make this well defined, a worker starts to serve only while no
 * change is in progress, and a change starts only while no worker does.
 */
export class Fleet implements Engine {
  private readonly options: FleetOptions;
  private readonly logger: Logger;
  private readonly files: LogFiles;
  private readonly errorLog: ErrorLog;
  private readonly places: readonly Place[];
  private readonly startMember: StartMember;
  private readonly pings: NodeJS.Timeout;
  /** Resolves when the current change, or the current start of a worker, is over. */
  private turn: Promise<unknown> = Promise.resolve();
  private inForce: Change | null = null;
  private pending: Change | null = null;
  private preparing = false;
  /** Changes that wait for a worker that serves. */
  private readonly awaitingWorker = new Set<() => void>();
  /** The addresses that workers received last. Those of a current change are not in the table yet. */
  private given: Addresses = new Map();
  /** The file of SharedCounts; null if there is only one worker, or if the file cannot be created. */
  private readonly counts: number | null;
  private stopping = false;

  constructor(options: FleetOptions) {
    this.options = options;
    this.logger = options.logger;
    this.files = options.files;
    this.errorLog = new ErrorLog(options.files, options.logger);
    this.startMember = options.startMember ?? ((setup, logs, counts) => new WorkerProcess(setup, logs, counts));
    this.counts = options.workers > 1 ? openSharedCounts() : null;
    if (options.workers > 1 && this.counts === null) {
      this.logger.warn('no folder for temporary files can be written; connections may spread unevenly over workers');
    }
    this.places = Array.from({ length: options.workers }, (_, i) => ({
      worker: i + 1,
      backoff: new CrashBackoff(),
      process: null,
      port: null,
      serving: false,
      asked: false,
    }));
    for (const place of this.places) this.launch(place);
    this.pings = setInterval(() => this.ping(), PING_EVERY);
    this.pings.unref();
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => {});
    return result;
  }

  async prepare(change: Change): Promise<void> {
    if (this.inForce === null) await this.firstLoaded();
    await this.errorLog.prepare(change.config);
    this.pending = change;
    // The ping is answered before the change, so that a worker that is already blocked is found as soon as usual.
    this.ping();
    this.preparing = true;
    try {
      await this.all({ kind: 'prepare', change });
    } finally {
      this.preparing = false;
    }
  }

  async revived(): Promise<boolean> {
    const serves = (): boolean => this.places.some((place) => place.serving);
    if (!serves() && !this.stopping) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, REVIVAL_PATIENCE);
        this.awaitingWorker.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return serves() && !this.stopping;
  }

  suspend(keys: readonly string[]): Promise<void> {
    return this.all({ kind: 'suspend', keys });
  }

  attach(addresses: Addresses): Promise<void> {
    this.give(addresses);
    return this.all({ kind: 'attach' });
  }

  /** Ends workers that do not answer any more, because all others have the new config. */
  async commit(): Promise<void> {
    const { pending } = this;
    if (pending === null) throw new Error('no config was prepared');
    this.pending = null;
    this.inForce = pending;
    await this.settle({ kind: 'commit' });
    this.logger.setLevel(pending.level);
    await this.errorLog.commit();
  }

  async rollback(): Promise<void> {
    this.pending = null;
    await this.settle({ kind: 'rollback' });
    await this.errorLog.rollback();
  }

  async resume(addresses: Addresses): Promise<void> {
    if (addresses.size === 0) return;
    this.give(addresses);
    await this.settle({ kind: 'resume' });
  }

  async reopenLogs(): Promise<void> {
    await Promise.all([this.files.reopen(), this.tell({ kind: 'reopen' })]);
  }

  async drain(): Promise<number> {
    this.stop();
    const timeouts = this.inForce?.config.services.map(({ limits }) => limits.shutdownTimeout) ?? [];
    const patience = Math.max(0, ...timeouts) + END_PATIENCE;
    const cut = await Promise.all(this.processes().map((process) => this.end(process, patience)));
    return cut.reduce((sum, count) => sum + count, 0);
  }

  async closeLogs(): Promise<void> {
    await this.errorLog.close();
    await this.files.close();
  }

  kill(): void {
    this.stop();
    for (const process of this.processes()) process.kill();
  }

  private stop(): void {
    this.stopping = true;
    clearInterval(this.pings);
    this.wakeChanges();
  }

  private wakeChanges(): void {
    for (const wake of this.awaitingWorker) wake();
    this.awaitingWorker.clear();
  }

  /** Finds workers whose event loop is blocked. */
  private ping(): void {
    const patience = this.preparing ? PATIENCE : PING_PATIENCE;
    for (const place of this.places) {
      if (!place.serving || place.asked) continue;
      place.asked = true;
      void this.tellOne(place.process, { kind: 'ping' }, patience).then(() => (place.asked = false));
    }
  }

  private processes(): Member[] {
    return this.places.flatMap(({ process }) => process ?? []);
  }

  /** @returns how many connections it cut */
  private async end(process: Member, patience: number): Promise<number> {
    const outcome = await process.command({ kind: 'drain' }, patience);
    if (outcome.kind === 'late') process.kill();
    const timer = setTimeout(() => process.kill(), END_PATIENCE);
    await process.gone;
    clearTimeout(timer);
    return outcome.kind === 'done' ? outcome.cut : 0;
  }

  private give(addresses: Addresses): void {
    this.given = addresses;
    for (const { process, serving } of this.places) {
      if (serving) for (const [key, bound] of addresses) process?.give(key, bound);
    }
  }

  /**
   * Sends a command to every worker that serves. A worker that ends, or is ended because it does not answer, is not an
   * error: its replacement starts with the config that is then in force.
   * @throws the error of a worker that refused, or NoWorkerError if none is left
   */
  private async all(command: Command): Promise<void> {
    const outcomes = await this.tell(command);
    for (const outcome of outcomes) if (outcome.kind === 'refused') throw errorOf(outcome.refusal);
    if (!outcomes.some(({ kind }) => kind === 'done'))
      throw new NoWorkerError(`all workers ended before they could ${command.kind}`);
  }

  /** Sends a command that must not fail. A worker that could not execute it is in an unknown state, and is replaced. */
  private async settle(command: Command): Promise<void> {
    const serving = this.places.filter((place) => place.serving);
    const members = serving.flatMap(({ process }) => process ?? []);
    const outcomes = await Promise.all(members.map((process) => this.tellOne(process, command)));
    for (const [i, outcome] of outcomes.entries()) {
      // While prox stops, a worker may refuse commands.
      if (outcome.kind !== 'refused' || this.stopping) continue;
      const error = errorOf(outcome.refusal);
      this.logger.error('a worker could not apply a change; it is ended and replaced', {
        worker: members[i]?.worker,
        step: command.kind,
        error,
      });
      members[i]?.kill();
    }
  }

  private tell(command: Command): Promise<Outcome[]> {
    const serving = this.places.filter((place) => place.serving);
    return Promise.all(serving.map(async ({ process }) => await this.tellOne(process, command)));
  }

  private async tellOne(process: Member | null, command: Command, patience = PATIENCE): Promise<Outcome> {
    // Updates that were published before the command must arrive before it.
    this.options.hub.flush();
    const outcome = (await process?.command(command, patience)) ?? { kind: 'gone' };
    if (outcome.kind === 'late') {
      this.logger.error('a worker does not answer; it is ended and replaced', {
        worker: process?.worker,
        pid: process?.pid,
      });
      process?.kill();
    }
    return outcome;
  }

  /** Waits for the workers of the first change. Workers that end before are replaced when it is in force. */
  private async firstLoaded(): Promise<void> {
    await Promise.all(
      this.places.map(async (place) => {
        place.serving = place.process !== null && (await this.loadedInTime(place.process));
      }),
    );
  }

  private async loadedInTime(process: Member): Promise<boolean> {
    const timer = setTimeout(() => {
      this.logger.error('a worker did not start in time; it is ended and replaced', {
        worker: process.worker,
        pid: process.pid,
      });
      process.kill();
    }, PATIENCE);
    const loaded = await process.loaded;
    clearTimeout(timer);
    return loaded;
  }

  /** @returns null if the system cannot create a process; this is tried again later */
  private launch(place: Place): Member | null {
    const logs = new WorkerLogs(this.files);
    const failed = (error: unknown): void => {
      this.logger.error('a worker could not be replaced', { worker: place.worker, error });
    };
    try {
      const counted = this.counts === null ? null : this.places.length;
      const setup = { worker: place.worker, ticketKeys: this.options.ticketKeys, counted };
      const process = this.startMember(setup, logs, this.counts);
      place.process = process;
      process.onWant = (key) => {
        const bound = this.options.addresses.bound.get(key) ?? this.given.get(key);
        if (bound?.open === true) process.giveSpare(key, bound);
      };
      const port = this.options.hub.connect(place.worker, process.control);
      place.port = port;
      process.onControl = (frames) => port.receive(frames);
      this.replaceWhenGone(place, process, logs).catch(failed);
      return process;
    } catch (error) {
      this.logger.error('a worker could not be started', { worker: place.worker, error });
      this.replace(place, 0, { code: null, signal: null, uptime: 0 }, false).catch(failed);
      return null;
    }
  }

  private async replaceWhenGone(place: Place, process: Member, logs: WorkerLogs): Promise<void> {
    const exit = await process.gone;
    const served = place.serving;
    if (this.counts !== null) clearCount(this.counts, place.worker);
    place.port?.disconnect();
    place.process = place.port = null;
    place.serving = false;
    await logs.release();
    if (!this.stopping) await this.replace(place, process.pid, exit, served);
  }

  private async replace(place: Place, pid: number, { code, signal, uptime }: Exit, served: boolean): Promise<void> {
    // A worker that never served has ended early, however long a large config took.
    const delay = place.backoff.ended(served ? uptime : 0);
    const facts = { worker: place.worker, pid, code, signal, uptime_ms: Math.round(uptime) };
    this.logger.error('a worker has ended; it is replaced', { ...facts, ...(delay === 0 ? {} : { delay_ms: delay }) });
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay).unref());
    if (this.stopping) return;
    const process = this.launch(place);
    if (process === null || !(await this.loadedInTime(process))) return;
    await this.exclusively(() => this.bringUp(place, process));
  }

  /** Lets a new worker serve the current config. If this fails in any way, the worker ends, and another one tries. */
  private async bringUp(place: Place, process: Member): Promise<void> {
    const change = this.inForce;
    if (change === null || this.stopping || place.process !== process) return;
    for (const [key, bound] of this.options.addresses.bound) process.give(key, bound);
    for (const command of [{ kind: 'prepare', change }, { kind: 'attach' }, { kind: 'commit' }] as const) {
      const outcome = await this.tellOne(process, command);
      if (outcome.kind === 'done') continue;
      if (outcome.kind === 'refused') {
        this.logger.error('a new worker cannot serve the current config; it is ended and replaced', {
          worker: place.worker,
          error: errorOf(outcome.refusal),
        });
        process.kill();
      }
      return;
    }
    place.serving = true;
    this.wakeChanges();
    this.logger.info('worker ready', { worker: place.worker, pid: process.pid });
  }
}
