import type { Config } from '../config/index.ts';
import type { ControlLine } from '../control/index.ts';
import type { Feature } from '../exchange/index.ts';
import type { LogFiles, Logger, LogLevel } from '../logger/index.ts';
import type { ServerHandle, Siblings } from '../transport/index.ts';
import { accessLogsOver } from './access-logs.ts';
import { ErrorLog } from './error-log.ts';
import { failuresTo, reportsTo } from './failure-reports.ts';
import { Generations } from './generations.ts';
import type { RepeatedFailures } from './repeated-failures.ts';
import { SERVING_TOPIC, type ServingReport } from './serving-report.ts';

/** A config that is about to take effect, and its log level. */
export interface Change {
  readonly config: Config;
  readonly level: LogLevel;
  /** The number of the config; the daemon counts the configs that it puts into force, from 1. */
  readonly generation: number;
}

/** The options of a data plane. */
export interface DataPlaneOptions {
  readonly logger: Logger;
  readonly files: LogFiles;
  /** All middlewares that plugins may use. */
  readonly features: readonly Feature[];
  /** The keys of TLS session tickets, the same in all workers and generations: 48 bytes. */
  readonly ticketKeys: Buffer;
  /** The line to the supervisor. */
  readonly line: ControlLine;
}

/** The connections of a data plane to other processes that accept from the same sockets. */
export interface Neighbours {
  /** Null if there are none. */
  readonly siblings: Siblings | null;
  /** Requests another socket on the address with this key, for `giveSpare`. */
  readonly wantSpare: (key: string) => void;
}

/** The part of a process that serves: the generations, and the logs that take effect with a config. */
export class DataPlane {
  private readonly logger: Logger;
  private readonly files: LogFiles;
  private readonly errorLog: ErrorLog;
  private readonly failures: RepeatedFailures;
  private readonly generations: Generations;
  private pending: Change | null = null;
  private generation = 0;
  private since = 0;

  /** @param neighbours null if only this process has the sockets */
  constructor({ logger, files, features, ticketKeys, line }: DataPlaneOptions, neighbours: Neighbours | null) {
    this.logger = logger;
    this.files = files;
    this.errorLog = new ErrorLog(files, logger);
    this.failures = failuresTo(logger);
    this.generations = new Generations({
      features,
      line,
      accessLogs: accessLogsOver(files),
      events: reportsTo(logger, this.failures),
      ticketKeys,
      siblings: neighbours?.siblings ?? null,
      wantSpare: neighbours?.wantSpare ?? null,
    });
    line.answer(SERVING_TOPIC, () => this.serving());
  }

  /** @throws StartError; everything is released then */
  async prepare(change: Change): Promise<void> {
    const { config } = change;
    await this.errorLog.prepare(config);
    try {
      await this.generations.prepare(config);
    } catch (error) {
      await this.errorLog.rollback();
      throw error;
    }
    this.pending = change;
  }

  suspend(keys: readonly string[]): void {
    this.generations.suspend(keys);
  }

  /** @throws ListenError */
  attach(handles: ReadonlyMap<string, ServerHandle>): Promise<void> {
    return this.generations.attach(handles);
  }

  async commit(): Promise<void> {
    this.generations.commit();
    if (this.pending !== null) {
      this.logger.setLevel(this.pending.level);
      this.generation = this.pending.generation;
      this.since = Date.now();
      this.pending = null;
    }
    await this.errorLog.commit();
  }

  async rollback(): Promise<void> {
    this.pending = null;
    await this.generations.rollback();
    await this.errorLog.rollback();
  }

  resume(handles: ReadonlyMap<string, ServerHandle>): Promise<void> {
    return this.generations.resume(handles);
  }

  /** Delivers a socket that was requested. */
  giveSpare(key: string, handle: ServerHandle | undefined): void {
    this.generations.giveSpare(key, handle);
  }

  reopenLogs(): Promise<void> {
    return this.files.reopen();
  }

  /** Stops accepting and lets exchanges finish. @returns number of connections that were cut */
  async drain(): Promise<number> {
    const cut = await this.generations.drain();
    this.failures.flush();
    return cut;
  }

  private serving(): ServingReport {
    const { generation, since } = this;
    return { pid: process.pid, generation, since, ...this.generations.load() };
  }

  /** Flushes and closes every log file. Must be called after `drain`. */
  async closeLogs(): Promise<void> {
    await this.errorLog.close();
    await this.files.close();
  }
}
