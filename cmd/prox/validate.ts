import { formatProblem, loadConfig } from '../../internal/config/index.ts';
import { refuseUnsupported } from '../../internal/runtime/index.ts';
import { problemsOf } from '../../internal/supervisor/index.ts';

/** Checks a config and prints what it found. @returns the exit status */
export async function validate(path: string): Promise<number> {
  try {
    const config = await loadConfig(path);
    refuseUnsupported(config);
    const { services, files, warnings } = config;
    for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
    const routes = services.reduce((sum, service) => sum + service.routes.length, 0);
    const counts = [count(services.length, 'service'), count(routes, 'route'), count(files.length, 'file')];
    process.stdout.write(`${path} is valid: ${counts.join(', ')}\n`);
    return 0;
  } catch (error) {
    const problems = problemsOf(error);
    process.stderr.write(`${problems.join('\n')}\n${path} is not valid: ${count(problems.length, 'problem')}\n`);
    return 1;
  }
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
