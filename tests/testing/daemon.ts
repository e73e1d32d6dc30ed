import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Changes } from './wait.ts';
import { killIfAlive, workerPids } from './worker-processes.ts';

/** The daemon as users run it: built by `npm test` before the tests, or the build that PROX_TEST_BUNDLE names. */
export const PROX = process.env['PROX_TEST_BUNDLE'] ?? join(import.meta.dirname, '../../dist/prox.mjs');

/** How long anything may take that normally takes milliseconds; a slow machine must not fail a test. */
const PATIENCE_MS = 15_000;

/** How much of the log a failed test shows. */
const SHOWN_LINES = 30;
const SHOWN_LINE_LENGTH = 300;

/** A line of the daemon's own log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface DaemonOptions {
  /** Further arguments of `prox serve`. */
  readonly args?: readonly string[];
  /** Worker processes; by default everything is in one process, which tests of the engine can look into. */
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Files beside the config, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lays out further files in the folder, and says which path to serve instead of `prox.json5` there. */
  readonly prepare?: (folder: string) => Promise<string>;
  /** Another copy of the program. */
  readonly program?: string;
  /** Descriptors that each process may have open. */
  readonly descriptors?: number;
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
}

/** A running daemon with its config in a folder of its own. */
export class TestDaemon {
  readonly folder: string;
  readonly configPath: string;
  readonly log: LogLine[] = [];
  /** Resolves with the exit code, or the signal that ended the process. */
  readonly exited: Promise<number | NodeJS.Signals>;
  private readonly process: ChildProcess;
  private readonly changes = new Changes();
  private output = '';
  private ended = false;
  /** No process can write to the log any more. */
  private silent = false;

  private constructor(folder: string, configPath: string, options: DaemonOptions) {
    this.folder = folder;
    this.configPath = configPath;
    const flags = [`-workers=${options.workers ?? 0}`, ...(options.args ?? [])];
    const args = [...(options.nodeFlags ?? []), options.program ?? PROX, 'serve', '-config', this.configPath, ...flags];
    const env = { ...process.env, ...options.env };
    // Node raises the limit as far as it may, so both of its halves are set; the shell becomes the daemon.
    const limited = ['-c', `ulimit -n ${options.descriptors} && exec "$0" "$@"`, process.execPath, ...args];
    const [program, given] = options.descriptors === undefined ? [process.execPath, args] : ['/bin/sh', limited];
    this.process = spawn(program, given, { stdio: ['ignore', 'ignore', 'pipe'], env, cwd: folder });
    this.process.stderr?.on('data', (chunk: Buffer) => this.stderrOnData(chunk));
    this.exited = new Promise((resolve) => {
      this.process.once('exit', (code, signal) => {
        this.ended = true;
        resolve(code ?? signal ?? 1);
      });
    });
    // Not `exit`: after a restart, other processes go on with the log.
    this.process.once('close', () => {
      this.silent = true;
      this.changes.notify();
    });
  }

  /** Starts a daemon on a config, JSON5 text or a value, and waits until it serves. */
  static async start(config: unknown, options: DaemonOptions = {}): Promise<TestDaemon> {
    const daemon = await TestDaemon.launch(config, options);
    try {
      await daemon.logged((line) => line.msg === 'ready');
    } catch (error) {
      // No other code knows this process, so it must be ended here.
      await daemon.stop();
      throw error;
    }
    return daemon;
  }

  /** Starts a daemon without waiting for anything: for configs that it refuses. */
  static async launch(config: unknown, options: DaemonOptions = {}): Promise<TestDaemon> {
    const folder = await mkdtemp(join(tmpdir(), 'prox-test-'));
    for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text);
    await writeFile(join(folder, 'prox.json5'), textOf(config));
    const configPath = (await options.prepare?.(folder)) ?? join(folder, 'prox.json5');
    return new TestDaemon(folder, configPath, options);
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** The bound port of a service. */
  port(service = 'web'): number {
    const line = this.log.findLast((entry) => entry.msg === 'listening' && entry['service'] === service);
    if (line === undefined) throw new Error(`no service ${service} in the log:\n${this.lastLines}`);
    return line['port'] as number;
  }

  /** `http://127.0.0.1:port` of a service. */
  url(path = '/', service = 'web'): string {
    return `http://127.0.0.1:${this.port(service)}${path}`;
  }

  /** Waits for a line of the log, one that was written already included. */
  async logged(matches: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    const found = (): LogLine | undefined => this.log.slice(from).find(matches);
    await this.until(() => found() !== undefined);
    return found() as LogLine;
  }

  /** Writes another config over the one in use. */
  async writeConfig(config: unknown): Promise<void> {
    await writeFile(this.configPath, textOf(config));
  }

  /** Writes another config and waits until it is in force, or refused. Returns whether it is in force. */
  async reload(config: unknown): Promise<boolean> {
    const from = this.log.length;
    await this.writeConfig(config);
    const line = await this.logged(({ msg }) => msg === 'config reloaded' || msg.startsWith('reload failed'), from);
    return line.msg === 'config reloaded';
  }

  /** Waits until the process has ended. @returns the exit code, or the signal that ended it */
  async end(): Promise<number | NodeJS.Signals> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`prox does not end:\n${this.lastLines}`)), PATIENCE_MS);
    });
    return Promise.race([this.exited, late]).finally(() => clearTimeout(timer));
  }

  /** Waits until no process, including those that restarts have started, can write to the log any more. */
  async silence(): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!this.silent) {
      if (Date.now() > end) throw new Error(`a process still has the log open:\n${this.lastLines}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Resident memory in bytes. */
  async rss(): Promise<number> {
    const { readFile } = await import('node:fs/promises');
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024;
  }

  /**
   * Ends the daemon for good and removes its folder.
   * @param generations further supervisors, which restarts have started
   */
  async stop(generations: readonly number[] = []): Promise<void> {
    // Workers that are left alone let exchanges finish; the test does not wait for them.
    const workers = (await Promise.all([this.pid, ...generations].map(workerPids))).flat();
    if (!this.ended) this.process.kill('SIGKILL');
    await this.exited;
    for (const pid of [...generations, ...workers]) killIfAlive(pid);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async until(condition: () => boolean): Promise<void> {
    const holds = (): boolean => {
      if (condition()) return true;
      if (this.silent) throw new Error(`prox has ended:\n${this.lastLines}`);
      return false;
    };
    await this.changes.until(holds, () => `a line of the log:\n${this.lastLines}`);
  }

  /** What a failed test shows of the log: whole logs would bury the complaint. */
  private get lastLines(): string {
    const lines = this.output.trimEnd().split('\n').slice(-SHOWN_LINES);
    return lines.map((line) => line.slice(0, SHOWN_LINE_LENGTH)).join('\n');
  }

  private stderrOnData(chunk: Buffer): void {
    const before = this.output.lastIndexOf('\n') + 1;
    this.output += chunk.toString();
    const end = this.output.lastIndexOf('\n') + 1;
    for (const line of this.output.slice(before, end).split('\n')) {
      if (line.startsWith('{')) this.log.push(JSON.parse(line) as LogLine);
    }
    this.changes.notify();
  }
}

/** A config with one service `web` on a free port of the loopback interface. */
export function webConfig(
  routes: unknown,
  rest: Record<string, unknown> = {},
  root: Record<string, unknown> = {},
): unknown {
  return { services: { web: { listen: '127.0.0.1:0', routes, ...rest } }, ...root };
}

function textOf(config: unknown): string {
  return typeof config === 'string' ? config : JSON.stringify(config, null, 2);
}
