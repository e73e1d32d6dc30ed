import { Command, InvalidArgumentError, Option } from 'commander';
import { withDoubleDashes } from './arguments.ts';
import { serve } from './serve.ts';
import { validate } from './validate.ts';
import { worker } from './worker.ts';

declare const PROX_VERSION: string;

/** The options of `prox serve`, in the form that the parser returns. */
interface ServeFlags {
  readonly config?: string;
  readonly logLevel?: string;
  readonly watch: boolean;
  readonly workers?: number;
  readonly pidFile?: string;
}

interface ValidateFlags {
  readonly config?: string;
  readonly offline: boolean;
}

const DEFAULT_CONFIG = 'config.json5';
const CONFIG_HELP = `config file or folder of service files (default: "${DEFAULT_CONFIG}")`;
const CONFIG_ARGUMENT_HELP = 'the same as -config';

const program = new Command('prox')
  .description('A reverse proxy with one readable config and live reload.')
  .showSuggestionAfterError()
  .showHelpAfterError('(prox help shows every command)')
  .addHelpText(
    'after',
    `
Signals of prox serve:
  SIGHUP           reload the config and reopen every log file
  SIGUSR2          restart without loss: start prox from disk, pass it the sockets, finish requests in flight, exit
  SIGTERM, SIGINT  stop accepting, finish requests in flight, exit; a second signal exits at once

Long flags work with one dash or two, with = or a space.`,
  );

program
  .command('serve')
  .description('run the daemon with a config')
  .argument('[config]', CONFIG_ARGUMENT_HELP, parsePath)
  .option('--config <path>', CONFIG_HELP, parsePath)
  .addOption(
    new Option(
      '--log-level <level>',
      'overrides logging.level; the environment variable LOG_LEVEL overrides both',
    ).choices(['debug', 'info', 'warn', 'error']),
  )
  .option('--watch [true|false]', 'reload when a config file changes', parseBoolean, true)
  .option('--workers <count>', 'worker processes; 0 serves in one process (default: one for each core)', parseCount)
  .option('--pid-file <path>', 'file that holds the process id while prox serves')
  .action(async (argument: string | undefined, options: ServeFlags, command: Command) => {
    await serve({
      configPath: configPath(argument, options.config, command),
      levelFlag: options.logLevel ?? null,
      watch: options.watch,
      workers: options.workers ?? null,
      pidFile: options.pidFile ?? null,
      version: PROX_VERSION,
    });
  });

program
  .command('validate')
  .description('check a config: exit 0 and one line, or exit 1 and every problem')
  .argument('[config]', CONFIG_ARGUMENT_HELP, parsePath)
  .option('--config <path>', CONFIG_HELP, parsePath)
  .option(
    '--offline',
    'do not look at certificates, keys, served files and log folders, which only the serving machine has',
    false,
  )
  .action(async (argument: string | undefined, options: ValidateFlags, command: Command) => {
    process.exitCode = await validate(configPath(argument, options.config, command), options.offline);
  });

program
  .command('build')
  .description('compile plugin sources (not available in this version)')
  .argument('[config]', CONFIG_ARGUMENT_HELP, parsePath)
  .option('--config <path>', CONFIG_HELP, parsePath)
  .action(() => {
    process.stderr.write('prox build: plugins are not available in this version\n');
    process.exitCode = 1;
  });

program
  .command('version')
  .description('print the version')
  .action(() => {
    process.stdout.write(`prox ${PROX_VERSION} (Node ${process.version})\n`);
  });

program.command('worker', { hidden: true }).action(() => {
  process.exitCode = worker();
});

program.version(`prox ${PROX_VERSION}`, '--version', 'print the version');

await program.parseAsync(withDoubleDashes(process.argv.slice(2)), { from: 'user' });

/** The path of the config, from the flag or from the argument. */
function configPath(argument: string | undefined, flag: string | undefined, command: Command): string {
  if (argument !== undefined && flag !== undefined)
    command.error(`error: two configs are given, -config ${flag} and ${argument}; leave one of them out`);
  return argument ?? flag ?? DEFAULT_CONFIG;
}

function parsePath(text: string): string {
  // An empty path would resolve to the working directory.
  if (text === '') throw new InvalidArgumentError('expected the path of a file or a folder, found an empty string');
  return text;
}

function parseBoolean(text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new InvalidArgumentError('Use true or false.');
}

function parseCount(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text)) throw new InvalidArgumentError('Use a number from 0 to 9999.');
  return Number(text);
}
