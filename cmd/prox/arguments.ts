/**
 * Returns the arguments with two dashes before every long flag. prox accepts both `-config FILE` and `--config FILE`,
 * but the command-line parser would read the first form as a sequence of short flags.
 */
export function withDoubleDashes(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, i) => {
    if (end >= 0 && i >= end) return arg;
    return /^-[a-z][a-z-]+(=.*)?$/s.test(arg) ? `-${arg}` : arg;
  });
}
