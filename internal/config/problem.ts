import { relative, sep } from 'node:path';
import type { Position, Problem } from './config.ts';

/**
 * Thrown for a config that cannot be used, with everything that is wrong with it. `message` has one problem a line:
 * `file:line:column: path: what is wrong, and what is allowed`, file paths relative to the working directory when below it.
 */
export class ConfigError extends Error {
  /** In the order of the files and of their text. */
  readonly problems: readonly Problem[];
  /** Absolute paths of every file and folder that was looked at: watch them until the config is mended. */
  readonly files: readonly string[];

  constructor(problems: readonly Problem[], files: readonly string[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = Object.freeze([...problems]);
    this.files = Object.freeze([...files]);
  }
}

/** `file:line:column: path: message`. */
export function formatProblem(problem: Problem): string {
  const { position, path, message } = problem;
  return `${formatPosition(position)}: ${path === '' ? '' : `${path}: `}${message}`;
}

/** `file:line:column`. */
export function formatPosition(position: Position): string {
  return `${displayPath(position.file)}:${position.line}:${position.column}`;
}

/** A path as people see it: relative to the working directory when it is below it. */
export function displayPath(path: string): string {
  const below = relative(process.cwd(), path);
  return below === '' || below === '..' || below.startsWith(`..${sep}`) ? path : below;
}
