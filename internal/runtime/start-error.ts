import { formatProblem, type Problem } from '../config/index.ts';

/** A config that is valid but cannot be put in force on this machine, or not by this version. */
export class StartError extends Error {
  /** Everything that is in the way, each with its place in the config. */
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'StartError';
    this.problems = problems;
  }
}
