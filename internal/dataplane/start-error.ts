import { type Config, formatProblem, type Problem, type ServiceConfig } from '../config/index.ts';

/** A config that is valid, but that cannot be put into force on this machine or by this version. */
export class StartError extends Error {
  /** All problems, each with its position in the config. */
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'StartError';
    this.problems = problems;
  }
}

/** A bound socket cannot be listened on, because another process has bound the address and has listened first. */
export class ListenError extends Error {
  /** The key of the address, as `listenKey` makes it. */
  readonly key: string;
  /** Code of the system, such as EADDRINUSE. */
  readonly code: string;

  constructor(key: string, code: string) {
    super(`cannot listen on ${key}: ${code}`);
    this.name = 'ListenError';
    this.key = key;
    this.code = code;
  }
}

const BIND_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use by another process',
  EACCES: 'not permitted; ports below 1024 need the capability CAP_NET_BIND_SERVICE',
  EADDRNOTAVAIL: 'no interface of this machine has that address',
  ENOTFOUND: 'the host name has no address',
};

/** libuv reports a missing folder in the same way as one that cannot be written. */
const UNIX_BIND_ERRORS: Readonly<Record<string, string>> = {
  ...BIND_ERRORS,
  EACCES: 'not permitted, or its folder does not exist',
};

/** The problem of an address that cannot be listened on. */
export function bindProblem(config: ServiceConfig, cause: Error & { readonly code?: string | undefined }): Problem {
  const why = (config.listen.kind === 'unix' ? UNIX_BIND_ERRORS : BIND_ERRORS)[cause.code ?? ''] ?? cause.message;
  const message = `cannot listen on ${config.listen.text}: ${why}`;
  return { position: config.positions['listen'] ?? config.position, path: `services.${config.name}.listen`, message };
}

const OPEN_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many files are open',
};

/**
 * Opens a log file of a config. @returns the result of `open`
 * @throws StartError with the position where the config names the file
 */
export async function openingLog<T>(config: Config, path: string, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    const place = config.logs[path];
    if (place === undefined) throw error;
    const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = OPEN_ERRORS[code ?? ''] ?? message;
    throw new StartError([{ ...place, message: `the log file ${path} cannot be opened: ${why}` }]);
  }
}
