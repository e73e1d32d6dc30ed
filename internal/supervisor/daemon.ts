import { randomBytes } from 'node:crypto';
import { type Config, ConfigError, formatProblem, loadConfig } from '../config/index.ts';
import { SupervisorHub, type WorkerAnswer } from '../control/index.ts';
import { SERVING_TOPIC, type ServingReport, StartError, warningsOf } from '../dataplane/index.ts';
import type { Feature } from '../exchange/index.ts';
import { LogFiles, type Logger, resolveLevel } from '../logger/index.ts';
import { superviseSpeeds } from '../speed-leases/index.ts';
import { AddressTable, type Applied, type Listening, type Rebinding } from './address-table.ts';
import { type Engine, NoWorkerError } from './engine.ts';
import { LocalEngine } from './local-engine.ts';
import type { Inheritance } from './restart/succession.ts';
import type { SocketActivation } from './service/socket-activation.ts';
import { Fleet } from './workers/fleet.ts';

/** The options of a daemon. */
export interface DaemonOptions {
  /** Path of the config file or folder. */
  readonly configPath: string;
  /** All middlewares that plugins may use. */
  readonly features: readonly Feature[];
  /** `-log-level`, null without it. */
  readonly levelFlag: string | null;
  /** The environment variable LOG_LEVEL, null without it. */
  readonly levelEnv: string | null;
  /** Number of worker processes; with 0, this process serves. */
  readonly workers: number;
  readonly logger: Logger;
  /** What the predecessor of a restart passes on; null for a first start. */
  readonly inherited: Inheritance | null;
  /** The sockets that the service manager has bound. */
  readonly activation: SocketActivation;
}

/** Length of the TLS session ticket keys of Node. */
const TICKET_KEYS_BYTES = 48;

/** How often a reload is tried if all workers end during it. A config that kills the workers is then given up. */
const RELOAD_ATTEMPTS = 3;

/** Milliseconds that a worker may take to report what it serves. A blocked worker is replaced after ten seconds. */
const SERVING_PATIENCE = 2000;

/** The report of a worker about what it serves. */
export interface WorkerServing extends Pick<WorkerAnswer, 'worker' | 'error'> {
  /** Null if there is an error. */
  readonly report: ServingReport | null;
}

/** The control plane: loads the config, puts it into force, and does so again for each reload. */
export class Daemon {
  private readonly options: DaemonOptions;
  private readonly logger: Logger;
  private readonly addresses: AddressTable;
  private readonly ticketKeys: Buffer;
  private readonly engine: Engine;
  private readonly hub: SupervisorHub;
  /** Number of the last config that was put into force; 0 before the first. */
  private generation = 0;
  private watched: readonly string[] = [];
  private loadedAt = 0;
  private stopping = false;

  /** Starts the workers, so that they start while the config is being loaded. */
  constructor(options: DaemonOptions) {
    this.options = options;
    this.logger = options.logger;
    const { logger, workers, inherited, features } = options;
    this.addresses = new AddressTable(inherited?.addresses);
    this.ticketKeys = inherited?.ticketKeys ?? randomBytes(TICKET_KEYS_BYTES);
    const files = new LogFiles((message, fields) => logger.warn(message, fields));
    this.hub = new SupervisorHub((message, facts) => logger.error(message, { ...facts }));
    superviseSpeeds(this.hub);
    for (const feature of features) feature.supervise?.(this.hub);
    const parts = { logger, files, ticketKeys: this.ticketKeys, hub: this.hub };
    this.engine =
      workers === 0
        ? new LocalEngine({ ...parts, features })
        : new Fleet({ ...parts, workers, addresses: this.addresses });
  }

  /** Every file and folder from which the config was last read, or that could not be read. */
  get filesToWatch(): readonly string[] {
    return this.watched;
  }

  /** `Date.now()` before they were read. */
  get filesReadAt(): number {
    return this.loadedAt;
  }

  /**
   * Loads the config and serves it.
   * @throws ConfigError, StartError, or Error if a log cannot be opened
   */
  async start(): Promise<void> {
    const config = await this.load();
    this.addresses.inherit(await this.options.activation.claim(config, this.logger));
    await this.putInForce(config);
    this.addresses.disclaim();
  }

  /** What a successor receives. */
  get inheritance(): Inheritance {
    return { addresses: this.addresses.bound, ticketKeys: this.ticketKeys };
  }

  /**
   * Loads the config again and puts it into force. A config with a problem changes nothing, and every problem is
   * logged. Calls must not overlap.
   * @returns whether the new config is in force
   */
  async reload(why: string): Promise<boolean> {
    const started = performance.now();
    try {
      await this.putInForceWhateverEnds(await this.load(), why);
    } catch (error) {
      if (this.stopping) return false;
      this.logger.error('reload failed; prox continues with the old config', { why, generation: this.generation });
      for (const problem of problemsOf(error)) this.logger.error(problem);
      return false;
    }
    const services = this.addresses.listening.map(({ service, address }) => `${service} ${address}`);
    this.logger.info('config reloaded', { why, services, duration_ms: Math.round(performance.now() - started) });
    return true;
  }

  /** Closes and reopens every log file. */
  async reopenLogs(): Promise<void> {
    await this.engine.reopenLogs();
  }

  /**
   * Stops accepting, lets exchanges finish, and closes the logs.
   * @param taken keys of the addresses that a successor continues to serve
   */
  async stop(taken: ReadonlySet<string> = new Set()): Promise<void> {
    this.stopping = true;
    const drained = this.engine.drain();
    // Closes addresses at once; otherwise clients would queue at an address from which no process accepts.
    this.warnOf(await this.addresses.close(taken));
    const cut = await drained;
    this.hub.stop();
    if (cut > 0) this.logger.warn('connections were cut at shutdown_timeout', { connections: cut });
    this.logger.info('stopped');
    await this.engine.closeLogs();
  }

  /** Kills the workers at once, whatever they are doing. Used when prox must not wait any longer. */
  kill(): void {
    this.hub.stop();
    this.engine.kill();
  }

  /** Asks every worker what it serves: its generation, addresses, connections and exchanges. */
  async serving(): Promise<readonly WorkerServing[]> {
    const answers = await this.hub.query(SERVING_TOPIC, null, SERVING_PATIENCE);
    return answers.map(({ worker, answer, error }) => ({
      worker,
      error,
      report: (answer ?? null) as ServingReport | null,
    }));
  }

  private async load(): Promise<Config> {
    this.loadedAt = Date.now();
    try {
      const config = await loadConfig(this.options.configPath, this.options.features);
      this.watched = config.files;
      return config;
    } catch (error) {
      // A config with a problem is watched, too, because its correction must cause a reload.
      if (error instanceof ConfigError) this.watched = [...new Set([...this.watched, ...error.files])];
      throw error;
    }
  }

  /** Puts a config into force. If all workers end during this, tries again with those that replace them. */
  private async putInForceWhateverEnds(config: Config, why: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.putInForce(config);
      } catch (error) {
        if (!(error instanceof NoWorkerError) || attempt === RELOAD_ATTEMPTS) throw error;
        this.logger.warn('all workers have ended; the reload waits for a new one', { why });
        if (!(await this.engine.revived())) throw error;
      }
    }
  }

  private async putInForce(config: Config): Promise<void> {
    const { level, warnings } = this.levelOf(config);
    const applied = await this.engine.exclusively(async () => {
      const rebinding = this.addresses.rebind(config);
      try {
        await this.engine.prepare({ config, level, generation: this.generation + 1 });
        await this.bind(rebinding);
        // If prox was told to stop in the meantime, the new config must not start to accept.
        if (this.stopping) throw new Error('prox is stopping');
        await this.engine.commit();
        this.generation++;
      } catch (error) {
        await this.undo(rebinding);
        throw rebinding.explain(error);
      }
      return rebinding.commit();
    });
    for (const warning of [...warnings, ...(await warningsOf(config)).map(formatProblem)]) this.logger.warn(warning);
    this.logAddresses(applied);
    if (this.logger.enabled('debug')) void this.logServing();
    if (config.admin !== null) {
      this.logger.warn('this version has no management API; admin is not served', { listen: config.admin.listen.text });
    }
  }

  private async bind(rebinding: Rebinding): Promise<void> {
    await rebinding.bindFree();
    const { displaced } = rebinding;
    if (displaced.length > 0) {
      await this.engine.suspend(displaced);
      await rebinding.bindContested();
    }
    await this.engine.attach(rebinding.bound);
  }

  private async undo(rebinding: Rebinding): Promise<void> {
    await this.engine.rollback();
    const { again, lost } = await rebinding.undo();
    await this.engine.resume(again);
    for (const error of lost)
      this.logger.error('an address could not be closed, or bound again after the failed reload', { error });
  }

  /** Logs what each worker serves now. */
  private async logServing(): Promise<void> {
    for (const { worker, error, report } of await this.serving()) {
      if (error === null) this.logger.debug('worker serves', { of: worker, ...report });
      else this.logger.debug('a worker did not report what it serves', { of: worker, error });
    }
  }

  private levelOf(config: Config): ReturnType<typeof resolveLevel> {
    const { levelEnv, levelFlag } = this.options;
    return resolveLevel({ env: levelEnv, flag: levelFlag, config: config.logging.level });
  }

  /** Logs errors of closing addresses. They are no reason to abort the change. */
  private warnOf(left: readonly Error[]): void {
    for (const error of left) this.logger.warn('a unix socket could not be removed', { error });
  }

  private logAddresses({ opened, closed, left }: Applied): void {
    this.warnOf(left);
    const log = (message: string, { service, address, port }: Listening): void => {
      this.logger.info(message, { service, address, ...(port === 0 ? {} : { port }) });
    };
    for (const address of closed) log('no longer listening', address);
    for (const address of opened) log('listening', address);
  }
}

/** The problems of an error, one line each, with file, line and column if they are known. */
export function problemsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(formatProblem);
  if (error instanceof StartError) return error.problems.map(formatProblem);
  return [error instanceof Error ? error.message : String(error)];
}
