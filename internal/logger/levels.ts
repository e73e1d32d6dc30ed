import type { ProxyError } from '../base/index.ts';

/** The levels, from the most to the least verbose. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Rank of a level. A record is written if its rank is not below that of the current level. */
export const LEVEL_RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** The three places that may name a level; null, undefined and an empty text mean that the place names none. */
export interface LevelSources {
  /** Of the environment variable LOG_LEVEL. */
  readonly env?: string | null | undefined;
  /** Of `-log-level`. */
  readonly flag?: string | null | undefined;
  /** Of `logging.level` in the config file. */
  readonly config?: string | null | undefined;
}

export interface ResolvedLevel {
  readonly level: LogLevel;
  /** One sentence for each source whose value is not a level; such a source is ignored. */
  readonly warnings: readonly string[];
}

/**
 * Decides the level: LOG_LEVEL takes precedence over `-log-level`, which takes precedence over the config file. The
 * default is `info`. Case and white space around a value do not matter.
 */
export function resolveLevel(sources: LevelSources): ResolvedLevel {
  const candidates = [
    ['LOG_LEVEL', sources.env],
    ['-log-level', sources.flag],
    ['logging.level', sources.config],
  ] as const;
  const warnings: string[] = [];
  let level: LogLevel | null = null;
  for (const [name, value] of candidates) {
    const text = value?.trim().toLowerCase() ?? '';
    if (text === '') continue;
    const found = LOG_LEVELS.find((candidate) => candidate === text);
    if (found === undefined) {
      warnings.push(`${name} is ${JSON.stringify(value)}, which is no log level; allowed are ${LOG_LEVELS.join(', ')}`);
    }
    level ??= found ?? null;
  }
  return { level: level ?? 'info', warnings };
}

/**
 * The level at which the error of an exchange or a connection is logged. Errors caused by clients are logged at
 * `debug`, because any client could fill the log with them; the access log has their code in any case. Errors of
 * upstreams are logged at `warn`, and bugs of prox at `error`. Exchanges that end because prox ends are expected:
 * `info`.
 */
export function levelOf(error: ProxyError): LogLevel {
  if (error.code === 'shutting_down') return 'info';
  switch (error.source) {
    case 'client':
      return 'debug';
    case 'upstream':
      return 'warn';
    case 'internal':
      return 'error';
  }
}
