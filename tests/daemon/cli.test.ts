import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { accepts, freePort } from '../testing/ports.ts';
import { folderOf, removeFolder, runProx } from '../testing/run-prox.ts';
import { eventually } from '../testing/wait.ts';

const OK = JSON.stringify(webConfig([{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }]));

/** Three mistakes, each at a known place. */
const BROKEN = `{
  services: {
    web: {
      listen: '8080',
      routes: [
        { match: { path: '/a' }, action: 'nowhere' },
        { match: { pathh: '/b' }, action: { type: 'drop' } },
      ],
    },
  },
}
`;

let folder: string;
beforeAll(async () => {
  folder = await folderOf({
    'ok.json5': OK,
    'config.json5': OK,
    'broken.json5': BROKEN,
    'services/one.json5': `{ listen: ':1', routes: [{ action: { type: 'drop' } }] }`,
    'services/two.json5': `{ listen: ':2', routes: [{ match: { path: '/a' }, action: { type: 'drop' } }, { action: { type: 'drop' } }] }`,
  });
});
afterAll(() => removeFolder(folder));

describe('prox validate', () => {
  it('says one line about a valid config and exits 0', async () => {
    const { code, stdout, stderr } = await runProx(['validate', '-config', 'ok.json5'], { cwd: folder });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'ok.json5 is valid: 1 service, 1 route, 1 file\n',
      stderr: '',
    });
  });

  it('lists every problem with file, line and column and exits 1', async () => {
    const { code, stdout, stderr } = await runProx(['validate', '-config', 'broken.json5'], { cwd: folder });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    const lines = stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatch(/^broken\.json5:4:15: services\.web\.listen: .*did you mean ":8080"/);
    expect(lines[1]).toMatch(/^broken\.json5:6:42: services\.web\.routes\[0\]\.action: .*nowhere/);
    expect(lines[2]).toMatch(/^broken\.json5:7:20: services\.web\.routes\[1\]\.match\.pathh: .*did you mean `path`/);
    expect(lines[3]).toBe('broken.json5 is not valid: 3 problems');
  });

  it.each([
    ['a log in a folder that is not there', { logging: { access_log: '/nowhere/x.log' } }, {}, /\/nowhere does not/],
    ['plugins', {}, { plugins: ['./a.ts'] }, /running external plugins is not supported/],
    ['acme', {}, { acme: { email: 'a@example.com', domains: ['a.example.com'] } }, /ACME is not supported/],
  ])('refuses %s, as serve does, in the same words', async (_, root, service, message) => {
    const own = await folderOf({
      'prox.json5': JSON.stringify(webConfig([{ action: { type: 'drop' } }], service, root)),
    });
    try {
      const checked = await runProx(['validate', '-config', 'prox.json5'], { cwd: own });
      const served = await runProx(['serve', '-config', 'prox.json5', '-workers', '0'], { cwd: own });
      expect([checked.code, served.code]).toEqual([1, 1]);
      const [problem, ...rest] = checked.stderr.trimEnd().split('\n');
      expect(problem).toMatch(/^prox\.json5:1:\d+: /);
      expect(problem).toMatch(message);
      expect(rest).toEqual(['prox.json5 is not valid: 1 problem']);
      expect(served.stdout + served.stderr).toContain(problem);
    } finally {
      await removeFolder(own);
    }
  });

  it('takes a folder of service files', async () => {
    const { code, stdout } = await runProx(['validate', '-config', 'services'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'services is valid: 2 services, 3 routes, 3 files\n' });
  });

  it('reads config.json5 when it is told nothing', async () => {
    const { code, stdout } = await runProx(['validate'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'config.json5 is valid: 1 service, 1 route, 1 file\n' });
  });

  it('names a config file that is not there', async () => {
    const { code, stderr } = await runProx(['validate', '-config', 'absent.json5'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^absent\.json5:1:1: .*does not exist/);
  });

  it.each([
    ['one dash and a space', ['-config', 'ok.json5']],
    ['two dashes and a space', ['--config', 'ok.json5']],
    ['no flag at all', ['ok.json5']],
    ['one dash and =', ['-config=ok.json5']],
    ['two dashes and =', ['--config=ok.json5']],
  ])('takes flags with %s', async (_, args) => {
    const { code } = await runProx(['validate', ...args], { cwd: folder });
    expect(code).toBe(0);
  });
});

describe('the command line', () => {
  it('prints the version', async () => {
    const { code, stdout } = await runProx(['version']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `prox ${manifest.version} (Node ${process.version})\n` });
  });

  it.each([['help'], ['--help'], ['-h'], ['-help']])('shows every command and the signals on %s', async (arg) => {
    const { code, stdout } = await runProx([arg]);
    expect(code).toBe(0);
    for (const word of ['serve', 'validate', 'build', 'version', 'SIGHUP', 'SIGTERM', 'one dash or two']) {
      expect(stdout).toContain(word);
    }
  });

  it.each([
    ['serve', ['config', 'log-level', 'watch', 'workers', 'LOG_LEVEL', '"config.json5"']],
    ['validate', ['config', 'exit 1 and every problem']],
    ['build', ['config', 'not available in this version']],
    ['version', ['print the version']],
  ])('explains %s with its own --help', async (command, words) => {
    const { code, stdout } = await runProx([command, '--help']);
    expect(code).toBe(0);
    for (const word of words) expect(stdout).toContain(word);
    expect(stdout.split('\n').every((line) => line.length <= 120)).toBe(true);
  });

  it('says that plugins cannot be built yet', async () => {
    const { code, stderr } = await runProx(['build', '-config', 'ok.json5'], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toContain('plugins are not available in this version');
  });

  it.each([
    ['an unknown command', ['serv'], /unknown command 'serv'[\s\S]*Did you mean serve/],
    ['an unknown flag', ['serve', '-confg', 'x'], /unknown option '--confg'[\s\S]*Did you mean --config/],
    ['a level that is none', ['serve', '-log-level', 'loud'], /debug, info, warn, error/],
    ['a watch that is no boolean', ['serve', '-watch=perhaps'], /true or false/],
    ['a flag without its value', ['validate', '-config'], /argument missing/],
    ['an argument too many', ['validate', 'ok.json5', 'broken.json5'], /too many arguments/],
    ['two configs', ['validate', '-config', 'ok.json5', 'broken.json5'], /two configs.*ok\.json5.*broken\.json5/],
    [
      'an empty path',
      ['validate', '-config', ''],
      /'--config <path>'.*expected the path of a file or a folder, found an empty/,
    ],
    ['an empty path with =', ['serve', '-config='], /expected the path of a file/],
    ['an empty argument', ['serve', ''], /expected the path of a file or a folder, found an empty/],
  ])('refuses %s on stderr', async (_, args, message) => {
    const { code, stdout, stderr } = await runProx(args, { cwd: folder });
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
  });

  it('shows its help when it is told nothing', async () => {
    const { code, stderr, stdout } = await runProx([]);
    expect(code).toBe(1);
    expect(stderr + stdout).toContain('prox [options] [command]');
  });
});

describe('prox serve', () => {
  it('takes the config without a flag, too', async () => {
    const { code, stdout, stderr } = await runProx(['serve', 'broken.json5', '-workers', '0'], { cwd: folder });
    expect(code).toBe(1);
    expect(stdout + stderr).toMatch(/broken\.json5:4:15: services\.web\.listen/);
  });
});

describe('log levels', () => {
  /** Everything that a daemon logs from its start to a reload that fails. */
  async function logOf(file: string | null, flag: string | null, env: string | null): Promise<Set<string>> {
    const port = await freePort();
    const rest = { listen: `127.0.0.1:${port}` };
    const config = webConfig([{ action: { type: 'drop' } }], rest, file === null ? {} : { logging: { level: file } });
    const daemon = await TestDaemon.launch(config, {
      args: flag === null ? [] : ['-log-level', flag],
      env: env === null ? {} : { LOG_LEVEL: env },
    });
    try {
      await eventually('a listener', () => accepts(port));
      // An error is logged at every level, and whatever it logged before is there by then.
      await daemon.writeConfig('{');
      await daemon.logged(({ level }) => level === 'error');
      return new Set(daemon.log.map(({ level, msg }) => `${level} ${msg}`));
    } finally {
      await daemon.stop();
    }
  }

  it.each([
    { file: null, flag: null, env: null, info: true },
    { file: 'error', flag: null, env: null, info: false },
    { file: 'error', flag: 'info', env: null, info: true },
    { file: 'info', flag: 'error', env: null, info: false },
    { file: 'error', flag: 'error', env: 'info', info: true },
    { file: 'info', flag: 'info', env: 'error', info: false },
  ])('file $file, flag $flag and LOG_LEVEL $env: info is logged: $info', async ({ file, flag, env, info }) => {
    const lines = await logOf(file, flag, env);
    expect(lines.has('info ready')).toBe(info);
  });
});
