import { isatty } from 'node:tty';
import { pino, stdTimeFunctions, symbols, type Logger as Pino } from 'pino';
import { errorFields } from './error-fields.ts';
import { FileSink } from './file-sink.ts';
import { asciiJson } from './json-string.ts';
import { LEVEL_RANK, type LogLevel } from './levels.ts';
import { LogFile } from './log-file.ts';
import { prettyFormatter } from './pretty.ts';

/** The fields of a record besides its message. Errors are written with their code, source and causes. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * The log of the daemon itself. A message is a constant sentence, and everything that varies is a field, so that
 * records can be found and counted. A call below the current level returns at once. If even making the fields is
 * expensive, check `enabled` first.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Logs at the given level, like the method of that name. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
  enabled(level: LogLevel): boolean;
  /** Makes a logger that adds these fields to its records. It shares level, console and error log with this one. */
  child(fields: LogFields): Logger;
  /** Sets the current level, also for all parents and children. */
  setLevel(level: LogLevel): void;
  /**
   * The file that also gets warnings and errors; null for none. The caller keeps it open while it is set here, and
   * closes it afterwards.
   */
  setErrorLog(file: LogFile | null): void;
  /** Resolves when all records so far are written, as far as console and error log accept them. */
  flush(): Promise<void>;
  /** Writes out the remaining records. Waits for a console that accepts no bytes for at most `CLOSE_WAIT`. */
  close(): Promise<void>;
}

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /**
   * Descriptor of the console. Default 2, the standard error, where nginx, HAProxy and Caddy also log in the
   * foreground. The standard output stays free for the output of commands such as `prox validate`.
   */
  readonly fd?: number;
  /** Whether other processes write to the console, too. Records are then written in pieces that do not mix. */
  readonly shared?: boolean;
  /** Whether to write text for people instead of JSON. Default: true if the console is a terminal. */
  readonly pretty?: boolean;
  /**
   * Whether the text has colours. Default: yes, unless NO_COLOR is set (no-color.org) or the terminal has no colours
   * (TERM=dumb).
   */
  readonly colour?: boolean;
}

/** Milliseconds that `close` waits for a console that accepts no bytes. */
export const CLOSE_WAIT = 2000;

/** Names that every record uses itself. A field with one of these names gets an underscore at its end. */
const RESERVED: ReadonlySet<string> = new Set(['level', 'time', 'msg']);

/** pino's numbers for levels; from this one on, records go to the error log. */
const PINO_WARN = 40;

/** The state that a logger shares with its children. */
interface Shared {
  rank: number;
  readonly console: LogFile;
  readonly format: (json: string) => string;
  errorLog: LogFile | null;
}

/**
 * Makes the logger of the process. On a terminal, records are coloured and aligned, one line each. Elsewhere they are
 * JSON in ASCII, one object per line. Both are written without blocking, so that a console whose reader has stopped
 * delays no traffic.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const fd = options.fd ?? 2;
  const pretty = options.pretty ?? isatty(fd);
  const env = process.env;
  const colour = options.colour ?? ((env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb');
  // There is no place to report a problem with the console itself. LogFile limits what it keeps and counts what it
  // drops.
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

/** The destination of pino: the console, and the error log for warnings and errors. */
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

  /**
   * The fields in a form that pino writes without special cases: errors as plain objects, and no name that pino uses
   * itself.
   */
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
