import type { ProxyError } from '../base/index.ts';
import { type Config, ConfigError, formatProblem, loadConfig } from '../config/index.ts';
import type { FailureSubject } from '../exchange/index.ts';
import { levelOf, LogFiles, type Logger, resolveLevel } from '../logger/index.ts';
import { type Applied, type Listening, Runtime, StartError } from '../runtime/index.ts';
import { accessLogsOver } from './access-logs.ts';
import { ErrorLog } from './error-log.ts';

/** What a daemon is started with. */
export interface DaemonOptions {
  /** File or folder. */
  readonly configPath: string;
  /** `-log-level`, null without it. */
  readonly levelFlag: string | null;
  /** The environment variable LOG_LEVEL, null without it. */
  readonly levelEnv: string | null;
  readonly logger: Logger;
}

/** The control plane: loads the config, puts it in force, and does so again when it is told to. */
export class Daemon {
  private readonly options: DaemonOptions;
  private readonly logger: Logger;
  private readonly files: LogFiles;
  private readonly errorLog: ErrorLog;
  private readonly runtime: Runtime;
  private watched: readonly string[] = [];
  private loadedAt = 0;
  private stopping = false;

  constructor(options: DaemonOptions) {
    this.options = options;
    this.logger = options.logger;
    this.files = new LogFiles((message, fields) => this.logger.warn(message, fields));
    this.errorLog = new ErrorLog(this.files, this.logger);
    this.runtime = new Runtime(accessLogsOver(this.files), {
      exchangeFailed: (exchange, error) => this.logFailure(exchange, error),
      sessionBroken: (client, error) => this.logger.error('session lost', { client, error }),
      connectionRefused: ({ level, ...refusal }) => this.logger.log(level, 'connection refused', refusal),
      unreachable: (exchange, error) =>
        this.logger.warn('upstream not reached, another one is tried', about(exchange, error)),
      acceptFailed: (service, error) => this.logger.error('connection not accepted', { service, error }),
      failedLater: (error) => this.logger.error('clean-up failed', { error }),
    });
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
    await this.putInForce(config);
  }

  /**
   * Loads the config again and puts it in force; a config that is wrong changes nothing and is logged with every
   * problem. Calls must not overlap.
   * @returns whether the new config is in force
   */
  async reload(why: string): Promise<boolean> {
    const started = performance.now();
    try {
      const config = await this.load();
      await this.putInForce(config);
    } catch (error) {
      if (this.stopping) return false;
      this.logger.error('reload failed, the config before stays in force', { why });
      for (const problem of problemsOf(error)) this.logger.error(problem);
      return false;
    }
    const services = this.runtime.listening.map(({ service, address }) => `${service} ${address}`);
    this.logger.info('config reloaded', { why, services, duration_ms: Math.round(performance.now() - started) });
    return true;
  }

  /** Closes and reopens every log file. */
  async reopenLogs(): Promise<void> {
    await this.files.reopen();
  }

  /** Stops accepting, lets exchanges finish, and closes the logs. */
  async stop(): Promise<void> {
    this.stopping = true;
    const cut = await this.runtime.drain();
    if (cut > 0) this.logger.warn('connections were cut at shutdown_timeout', { connections: cut });
    this.logger.info('stopped');
    await this.errorLog.use(null);
    await this.files.close();
  }

  private async load(): Promise<Config> {
    this.loadedAt = Date.now();
    try {
      const config = await loadConfig(this.options.configPath);
      this.watched = config.files;
      return config;
    } catch (error) {
      // A broken config is watched too: mending it is what is waited for.
      if (error instanceof ConfigError) this.watched = [...new Set([...this.watched, ...error.files])];
      throw error;
    }
  }

  private async putInForce(config: Config): Promise<void> {
    const errorLog = await this.errorLog.open(config.logging);
    let applied: Applied;
    try {
      applied = await this.runtime.apply(config);
    } catch (error) {
      await this.errorLog.discard(errorLog);
      throw error;
    }
    await this.errorLog.use(errorLog);
    this.setLevel(config);
    this.logAddresses(applied);
    if (config.admin !== null) {
      this.logger.warn('this version has no management API; admin is not served', { listen: config.admin.listen.text });
    }
  }

  private setLevel(config: Config): void {
    const { levelEnv, levelFlag } = this.options;
    const { level, warnings } = resolveLevel({ env: levelEnv, flag: levelFlag, config: config.logging.level });
    this.logger.setLevel(level);
    for (const warning of warnings) this.logger.warn(warning);
  }

  private logAddresses({ opened, closed }: Applied): void {
    const log = (message: string, { service, address, port }: Listening): void => {
      this.logger.info(message, { service, address, ...(port === 0 ? {} : { port }) });
    };
    for (const address of closed) log('no longer listening', address);
    for (const address of opened) log('listening', address);
  }

  private logFailure(subject: FailureSubject, error: ProxyError): void {
    const level = levelOf(error);
    if (this.logger.enabled(level))
      this.logger.log(level, subject.method === undefined ? 'relay failed' : 'exchange failed', about(subject, error));
  }
}

/** What is wrong, a line for each problem, as people read it: with file, line and column where they are known. */
export function problemsOf(error: unknown): string[] {
  if (error instanceof ConfigError) return error.problems.map(formatProblem);
  if (error instanceof StartError) return error.problems.map(formatProblem);
  return [error instanceof Error ? error.message : String(error)];
}

function about(subject: FailureSubject, error: ProxyError): Record<string, unknown> {
  const { route, clientAddress, method, host, path, record } = subject;
  return { route: route.id, client: clientAddress, method, host, path, upstream: record?.upstream ?? undefined, error };
}
