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

/** What a fleet is made of. */
export interface FleetOptions extends Omit<DataPlaneOptions, 'line' | 'features'> {
  /** The supervisor's end of the control lines: each worker is joined while it lives. */
  readonly hub: SupervisorHub;
  /** How many workers, 1 or more. */
  readonly workers: number;
  /** The addresses in force, for workers that begin later. */
  readonly addresses: AddressTable;
  /** By default, workers are processes. */
  readonly startMember?: StartMember;
}

/** Milliseconds that a worker may take to begin, or for a step of a change: a large config compiles for a second. */
const PATIENCE = 30_000;

/**
 * Milliseconds between two questions whether a worker still runs, and for the answer: a worker that hangs is found within
 * ten seconds. A worker that compiles a large config may take PATIENCE.
 */
const PING_EVERY = 2000;
const PING_PATIENCE = 7500;

/** Milliseconds that a change waits for a worker to serve when all have ended. */
const REVIVAL_PATIENCE = 60_000;

/** Milliseconds beyond the longest shutdown_timeout that a worker may take to end. */
const END_PATIENCE = 3000;

/** One of the places that workers have; when its worker has ended, another one takes it. */
interface Place {
  readonly worker: number;
  readonly backoff: CrashBackoff;
  /** Null between two workers. */
  process: Member | null;
  /** Its control line; null between two workers. */
  port: HubPort | null;
  /** Whether it has the config in force, and takes part in changes. */
  serving: boolean;
  /** It was asked whether it still runs, and has not answered yet. */
  asked: boolean;
}

/**
 * Serves in worker processes.
 *
 * All take part in a change, and one that ends meanwhile does not spoil it: whoever takes its place begins with what is
 * in force then. So that this is well defined, a worker begins to serve while no change is under way, and a change
 * while none begins.
 */
export class Fleet implements Engine {
  private readonly options: FleetOptions;
  private readonly logger: Logger;
  private readonly files: LogFiles;
  private readonly errorLog: ErrorLog;
  private readonly places: readonly Place[];
  /** Ends with the change, or the begin of a worker, that is under way. */
  private readonly startMember: StartMember;
  private readonly pings: NodeJS.Timeout;
  private turn: Promise<unknown> = Promise.resolve();
  private inForce: Change | null = null;
  private pending: Change | null = null;
  private preparing = false;
  /** Changes that wait for a worker to serve. */
  private readonly awaitingWorker = new Set<() => void>();
  /** Addresses that workers were given last: those of a change are in no table yet. */
  private given: Addresses = new Map();
  /** The file of SharedCounts; null with one worker, which has nobody to share with, or where none can be made. */
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
    // Answered before the change is looked at: a worker that hangs already is found as quickly as at any time.
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

  /** Workers that do not answer any more are ended: all others have the new config. */
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

  /** Finds workers whose event loop stands still. */
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
   * Has every worker that serves do something. One that ends meanwhile, or is ended as it does not answer, spoils nothing:
   * its successor begins with what is in force then.
   * @throws the error of one that refused, or NoWorkerError when none is left
   */
  private async all(command: Command): Promise<void> {
    const outcomes = await this.tell(command);
    for (const outcome of outcomes) if (outcome.kind === 'refused') throw errorOf(outcome.refusal);
    if (!outcomes.some(({ kind }) => kind === 'done')) throw new NoWorkerError(`no worker lived to ${command.kind}`);
  }

  /** Has all do what must not fail. A worker that could not do it is in no known state, and is replaced. */
  private async settle(command: Command): Promise<void> {
    const serving = this.places.filter((place) => place.serving);
    const members = serving.flatMap(({ process }) => process ?? []);
    const outcomes = await Promise.all(members.map((process) => this.tellOne(process, command)));
    for (const [i, outcome] of outcomes.entries()) {
      // Told to stop, it may refuse to begin anything.
      if (outcome.kind !== 'refused' || this.stopping) continue;
      const error = errorOf(outcome.refusal);
      this.logger.error('a worker failed and is ended', { worker: members[i]?.worker, step: command.kind, error });
      members[i]?.kill();
    }
  }

  private tell(command: Command): Promise<Outcome[]> {
    const serving = this.places.filter((place) => place.serving);
    return Promise.all(serving.map(async ({ process }) => await this.tellOne(process, command)));
  }

  private async tellOne(process: Member | null, command: Command, patience = PATIENCE): Promise<Outcome> {
    // What was published before the command arrives before it.
    this.options.hub.flush();
    const outcome = (await process?.command(command, patience)) ?? { kind: 'gone' };
    if (outcome.kind === 'late') {
      this.logger.error('a worker does not answer and is ended', { worker: process?.worker, pid: process?.pid });
      process?.kill();
    }
    return outcome;
  }

  /** Waits for the workers of the first change; those that end before are replaced when it is in force. */
  private async firstLoaded(): Promise<void> {
    await Promise.all(
      this.places.map(async (place) => {
        place.serving = place.process !== null && (await this.loadedInTime(place.process));
      }),
    );
  }

  private async loadedInTime(process: Member): Promise<boolean> {
    const timer = setTimeout(() => {
      this.logger.error('a worker does not begin and is ended', { worker: process.worker, pid: process.pid });
      process.kill();
    }, PATIENCE);
    const loaded = await process.loaded;
    clearTimeout(timer);
    return loaded;
  }

  /** @returns null when the system makes no process now; it is asked again later */
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
      this.attend(place, process, logs).catch(failed);
      return process;
    } catch (error) {
      this.logger.error('a worker could not be started', { worker: place.worker, error });
      this.replace(place, 0, { code: null, signal: null, uptime: 0 }, false).catch(failed);
      return null;
    }
  }

  private async attend(place: Place, process: Member, logs: WorkerLogs): Promise<void> {
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
    // One that never came to serve has ended early, however long a large config took it.
    const delay = place.backoff.ended(served ? uptime : 0);
    const facts = { worker: place.worker, pid, code, signal, uptime_ms: Math.round(uptime) };
    this.logger.error('a worker has ended and is replaced', { ...facts, ...(delay === 0 ? {} : { delay_ms: delay }) });
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay).unref());
    if (this.stopping) return;
    const process = this.launch(place);
    if (process === null || !(await this.loadedInTime(process))) return;
    await this.exclusively(() => this.bringUp(place, process));
  }

  /** Lets a new worker serve what is in force. Whatever goes wrong, it ends, and another one tries. */
  private async bringUp(place: Place, process: Member): Promise<void> {
    const change = this.inForce;
    if (change === null || this.stopping || place.process !== process) return;
    for (const [key, bound] of this.options.addresses.bound) process.give(key, bound);
    for (const command of [{ kind: 'prepare', change }, { kind: 'attach' }, { kind: 'commit' }] as const) {
      const outcome = await this.tellOne(process, command);
      if (outcome.kind === 'done') continue;
      if (outcome.kind === 'refused') {
        this.logger.error('a worker cannot serve what is in force', {
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
