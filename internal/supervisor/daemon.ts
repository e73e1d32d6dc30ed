import { randomBytes } from 'node:crypto';
import { type Config, ConfigError, formatProblem, loadConfig } from '../config/index.ts';
import { SupervisorHub, type WorkerAnswer } from '../control/index.ts';
import { SERVING_TOPIC, type ServingReport, StartError, warningsOf } from '../dataplane/index.ts';
import type { Feature } from '../exchange/index.ts';
import { LogFiles, type Logger, resolveLevel } from '../logger/index.ts';
import { superviseSpeeds } from '../shared-speed/index.ts';
import { AddressTable, type Applied, type Listening, type Rebinding } from './address-table.ts';
import { type Engine, NoWorkerError } from './engine.ts';
import { LocalEngine } from './local-engine.ts';
import type { Inheritance } from './restart/inheritance.ts';
import type { SocketActivation } from './service/socket-activation.ts';
import { Fleet } from './workers/fleet.ts';

/** What a daemon is started with. */
export interface DaemonOptions {
  /** File or folder. */
  readonly configPath: string;
  /** Every middleware that plugins may be of. */
  readonly features: readonly Feature[];
  /** `-log-level`, null without it. */
  readonly levelFlag: string | null;
  /** The environment variable LOG_LEVEL, null without it. */
  readonly levelEnv: string | null;
  /** Worker processes; 0 serves in this one. */
  readonly workers: number;
  readonly logger: Logger;
  /** What the generation before has left, null in the first one. */
  readonly inherited: Inheritance | null;
  /** What the service manager has bound. */
  readonly activation: SocketActivation;
}

/** Of the keys that Node takes for TLS session tickets. */
const TICKET_KEYS_BYTES = 48;

/** How often a reload is tried whose workers have all ended meanwhile: a config that kills them is given up. */
const RELOAD_ATTEMPTS = 3;

/** Milliseconds that a worker may take to say what it serves. One that hangs is replaced after ten seconds. */
const SERVING_PATIENCE = 2000;

/** What a worker serves, as it says itself. */
export interface WorkerServing extends Pick<WorkerAnswer, 'worker' | 'error'> {
  /** Null with an error. */
  readonly report: ServingReport | null;
}

/** The control plane: loads the config, puts it in force, and does so again when it is told to. */
export class Daemon {
  private readonly options: DaemonOptions;
  private readonly logger: Logger;
  private readonly addresses: AddressTable;
  private readonly ticketKeys: Buffer;
  private readonly engine: Engine;
  private readonly hub: SupervisorHub;
  /** Number of the last config that was put in force, from 1. */
  private generation = 0;
  private watched: readonly string[] = [];
  private loadedAt = 0;
  private stopping = false;

  /** Workers begin to start here, while the config is still to be loaded. */
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

  /** Every file and folder that the config was last read from, or that could not be read. */
  get filesToWatch(): readonly string[] {
    return this.watched;
  }

  /** `Date.now()` from before they were read. */
  get filesReadAt(): number {
    return this.loadedAt;
  }

  /**
   * Loads the config and serves it.
   * @throws ConfigError, StartError, or Error when a log cannot be opened
   */
  async start(): Promise<void> {
    const config = await this.load();
    this.addresses.inherit(await this.options.activation.claim(config, this.logger));
    await this.putInForce(config);
    this.addresses.disclaim();
  }

  /** What a successor gets. */
  get inheritance(): Inheritance {
    return { addresses: this.addresses.bound, ticketKeys: this.ticketKeys };
  }

  /**
   * Loads the config again and puts it in force; a config that is wrong changes nothing and is logged with every
   * problem. Calls must not overlap.
   * @returns whether the new config is in force
   */
  async reload(why: string): Promise<boolean> {
    const started = performance.now();
    try {
      await this.putInForceWhateverEnds(await this.load(), why);
    } catch (error) {
      if (this.stopping) return false;
      this.logger.error('reload failed, the config before stays in force', { why });
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
   * @param taken keys of the addresses that a successor goes on with
   */
  async stop(taken: ReadonlySet<string> = new Set()): Promise<void> {
    this.stopping = true;
    const drained = this.engine.drain();
    // At once, or clients would queue at an address that nobody accepts from any more.
    this.warnOf(await this.addresses.close(taken));
    const cut = await drained;
    this.hub.stop();
    if (cut > 0) this.logger.warn('connections were cut at shutdown_timeout', { connections: cut });
    this.logger.info('stopped');
    await this.engine.closeLogs();
  }

  /** Ends workers at once, and whatever they are doing: for when nobody wants to wait any more. */
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
      // A broken config is watched too: mending it is what is waited for.
      if (error instanceof ConfigError) this.watched = [...new Set([...this.watched, ...error.files])];
      throw error;
    }
  }

  /** Puts a config in force; when every worker has ended meanwhile, with those that take their places. */
  private async putInForceWhateverEnds(config: Config, why: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.putInForce(config);
      } catch (error) {
        if (!(error instanceof NoWorkerError) || attempt === RELOAD_ATTEMPTS) throw error;
        this.logger.warn('reload waits for a worker: all have ended', { why });
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
        // A daemon that was told to stop in the meantime must not begin anew.
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
    for (const error of lost) this.logger.error('an address could not be given up, or bound again', { error });
  }

  /** Shows in the log what each worker serves now. */
  private async logServing(): Promise<void> {
    for (const { worker, error, report } of await this.serving()) {
      if (error === null) this.logger.debug('worker serves', { of: worker, ...report });
      else this.logger.debug('a worker does not say what it serves', { of: worker, error });
    }
  }

  private levelOf(config: Config): ReturnType<typeof resolveLevel> {
    const { levelEnv, levelFlag } = this.options;
    return resolveLevel({ env: levelEnv, flag: levelFlag, config: config.logging.level });
  }

  /** Addresses that could not be given up as they should: it is no reason to stop halfway. */
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

/** What is wrong, a line for each problem, as people read it: with file, line and column where they are known. */
export function problemsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(formatProblem);
  if (error instanceof StartError) return error.problems.map(formatProblem);
  return [error instanceof Error ? error.message : String(error)];
}
