import { type Config, formatProblem, loadConfig } from '../../internal/config/index.ts';
import { refuseUnsupported, warningsOf } from '../../internal/dataplane/index.ts';
import { FEATURES } from '../../internal/feature/list.ts';
import { problemsOf } from '../../internal/supervisor/index.ts';

/**
 * Checks a config and prints the result: problems and warnings to the standard error, the summary of a valid config to
 * the standard output.
 *
 * @param offline skips what only the serving machine has: certificates, keys, served files, folders of logs
 * @returns the exit status
 */
export async function validate(path: string, offline: boolean): Promise<number> {
  try {
    const config = await loadConfig(path, FEATURES, { offline });
    refuseUnsupported(config);
    const warnings = await warningsOf(config);
    for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
    for (const skipped of config.skipped) process.stderr.write(`not checked (-offline): ${skipped}\n`);
    process.stdout.write(`${path} is valid: ${summary(config, warnings.length)}\n`);
    return 0;
  } catch (error) {
    const problems = problemsOf(error);
    process.stderr.write(`${problems.join('\n')}\n${path} is not valid: ${count(problems.length, 'problem')}\n`);
    return 1;
  }
}

function summary({ services, files }: Config, warnings: number): string {
  const routes = services.reduce((sum, service) => sum + service.routes.length, 0);
  const counts = [count(services.length, 'service'), count(routes, 'route'), count(files.length, 'file')];
  if (warnings > 0) counts.push(count(warnings, 'warning'));
  return counts.join(', ');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
