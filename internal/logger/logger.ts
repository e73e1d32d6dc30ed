import { isatty } from 'node:tty';
import { pino, stdTimeFunctions, symbols, type Logger as Pino } from 'pino';
import { errorFields } from './error-fields.ts';
import { FileSink } from './file-sink.ts';
import { asciiJson } from './json-string.ts';
import { LEVEL_RANK, type LogLevel } from './levels.ts';
import { LogFile } from './log-file.ts';
import { prettyFormatter } from './pretty.ts';

/** What a record carries besides its message. Errors are written with their code, source and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * The log of the daemon itself. A message is a constant sentence, what varies goes into the fields, so that records
 * can be found and counted. A call below the level in force returns at once; where even making the fields would
 * cost, ask `enabled` first.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same as the method of that name. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
  enabled(level: LogLevel): boolean;
  /** A logger whose records carry these fields too. It shares level, console and error log with this one. */
  child(fields: LogFields): Logger;
  /** Sets the level in force, for all children and parents too. */
  setLevel(level: LogLevel): void;
  /**
   * The file that gets warnings and errors besides the console, null for none. The caller keeps it open as long as it
   * is set, and closes it after.
   */
  setErrorLog(file: LogFile | null): void;
  /** Resolves when every record so far is written, as far as console and error log take it. */
  flush(): Promise<void>;
  /** Writes out what is left, waiting for a stalled console no longer than `CLOSE_WAIT`. */
  close(): Promise<void>;
}

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /**
   * Descriptor of the console. Default 2, the standard error: that is where nginx, HAProxy and Caddy log when they run
   * in the foreground, and it leaves the standard output to what a command was asked for (`prox validate`).
   */
  readonly fd?: number;
  /** Whether other processes write to the console too: then records are written in pieces that do not mix. */
  readonly shared?: boolean;
  /** Text for people instead of JSON. Default: whether the console is a terminal. */
  readonly pretty?: boolean;
  /** Colours in it. Default: yes, unless NO_COLOR is set (no-color.org) or the terminal is a dumb one. */
  readonly colour?: boolean;
}

/** How long `close` waits for a console that takes no bytes, in milliseconds. */
export const CLOSE_WAIT = 2000;

/** Names that every record has of its own; a field of that name gets an underscore behind it. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

/** Numbers of pino's levels, from which records for the error log are told. */
const PINO_WARN = 40;

/** What a logger shares with its children. */
interface Shared {
  rank: number;
  readonly console: LogFile;
  readonly format: (json: string) => string;
  errorLog: LogFile | null;
}

/**
 * Makes the logger of the process. On a terminal records are coloured and aligned, one line each; elsewhere they are
 * JSON, one object a line in ASCII. Both are written without blocking: a console that nobody reads holds up no
 * traffic.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const fd = options.fd ?? 2;
  const pretty = options.pretty ?? isatty(fd);
  const env = process.env;
  const colour = options.colour ?? ((env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb');
  // Trouble with the console itself has nobody to tell; LogFile bounds what is kept, and counts what is lost.
  const console = new LogFile('console', FileSink.on(fd, options.shared), () => {}, { encoding: 'utf8' });
  const shared: Shared = {
    rank: LEVEL_RANK[options.level ?? 'info'],
    console,
    format: pretty ? prettyFormatter(colour) : identity,
    errorLog: null,
  };
  const root = pino(
    {
      level: 'debug',
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      depthLimit: 24,
    },
    new FanOut(shared),
  );
  return new PinoLogger(root, shared);
}

/** Where pino writes to: the console, and the error log for what is serious enough. */
class FanOut {
  /** Makes pino set `lastLevel` before each write. */
  readonly [symbols.needsMetadataGsym] = true;
  lastLevel = 0;
  readonly #shared: Shared;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  write(line: string): void {
    const { console, format, errorLog } = this.#shared;
    const json = asciiJson(line.slice(0, -1)) + '\n';
    console.write(format(json));
    console.send();
    if (errorLog === null || this.lastLevel < PINO_WARN) return;
    errorLog.write(json);
    errorLog.send();
  }
}

class PinoLogger implements Logger {
  readonly #pino: Pino;
  readonly #shared: Shared;

  constructor(target: Pino, shared: Shared) {
    this.#pino = target;
    this.#shared = shared;
  }

  debug(message: string, fields?: LogFields): void {
    if (this.#shared.rank <= LEVEL_RANK.debug) this.#pino.debug(this.#plain(fields), message);
  }

  info(message: string, fields?: LogFields): void {
    if (this.#shared.rank <= LEVEL_RANK.info) this.#pino.info(this.#plain(fields), message);
  }

  warn(message: string, fields?: LogFields): void {
    if (this.#shared.rank <= LEVEL_RANK.warn) this.#pino.warn(this.#plain(fields), message);
  }

  error(message: string, fields?: LogFields): void {
    this.#pino.error(this.#plain(fields), message);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    this[level](message, fields);
  }

  enabled(level: LogLevel): boolean {
    return this.#shared.rank <= LEVEL_RANK[level];
  }

  child(fields: LogFields): Logger {
    return new PinoLogger(this.#pino.child(this.#plain(fields)), this.#shared);
  }

  setLevel(level: LogLevel): void {
    this.#shared.rank = LEVEL_RANK[level];
  }

  setErrorLog(file: LogFile | null): void {
    this.#shared.errorLog = file;
  }

  async flush(): Promise<void> {
    await Promise.all([this.#shared.console.flush(), this.#shared.errorLog?.flush()]);
  }

  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const wait = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLOSE_WAIT)));
    await Promise.race([this.#shared.console.close(), wait]);
    clearTimeout(timer);
  }

  /** Fields as pino can write them without special cases: errors taken apart, no name that pino uses itself. */
  #plain(fields: LogFields | undefined): Record<string, unknown> {
    const plain: Record<string, unknown> = {};
    if (fields === undefined) return plain;
    const debug = this.#shared.rank === LEVEL_RANK.debug;
    for (const [key, value] of Object.entries(fields)) {
      const name = RESERVED.has(key) ? key + '_' : key;
      plain[name] = value instanceof Error ? errorFields(value, debug) : value;
    }
    return plain;
  }
}

function identity(json: string): string {
  return json;
}
