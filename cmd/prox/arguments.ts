/**
 * The arguments with every long flag written with two dashes. prox takes `-config FILE` and `--config FILE` alike;
 * the parser underneath would read the first as a row of short flags.
 */
export function withDoubleDashes(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, i) => {
    if (end >= 0 && i >= end) return arg;
    return /^-[a-z][a-z-]+(=.*)?$/s.test(arg) ? `-${arg}` : arg;
  });
}
