import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { TEST_FEATURES } from './testing/features.ts';
import type { ConfigError } from './problem.ts';
import { ConfigFolder, load, problemsOf } from './testing/config-folder.ts';

const DROP = `action: { type: 'drop' }`;

function config(routes: string, rest = ''): string {
  return `{ services: { web: { listen: ':1', routes: [${routes}] } }, ${rest} }`;
}

describe('the folder of a log', () => {
  it.each([
    ['the global access log', config(`{ ${DROP} }`, `logging: { access_log: 'no/a.log' }`), 'logging.access_log'],
    ['the error log', config(`{ ${DROP} }`, `logging: { error_log: 'no/a.log' }`), 'logging.error_log'],
    ['the log of a route', config(`{ ${DROP}, access_log: 'no/a.log' }`), 'services.web.routes[0].access_log'],
    [
      'the log of an action in place',
      config(`{ action: { type: 'drop', access_log: 'no/a.log' } }`),
      'services.web.routes[0].action.access_log',
    ],
    [
      'the log of a shared action',
      config(`{ action: 'a' }`, `actions: { a: { type: 'drop', access_log: 'no/a.log' } }`),
      'actions.a.access_log',
    ],
  ])('must be there: %s', async (_, text, path) => {
    const [problem, ...rest] = await problemsOf({ 'prox.json5': text });
    expect(rest).toEqual([]);
    expect(problem?.replace(/^prox\.json5:1:\d+: /, '')).toBe(
      `${path}: the log file no/a.log cannot be opened: its folder no does not exist; create it, or name another`,
    );
  });

  it.each([
    ['is a folder', { 'logs/': '' }, 'logs', 'it is a folder; expected the path of a file'],
    ['is below a file', { a: '' }, 'a/b.log', 'a is not a folder'],
    ['is deep below a file', { a: '' }, 'a/b/c.log', 'a part of the path a/b is not a folder'],
  ])('a log that %s', async (_, files, path, why) => {
    const problems = await problemsOf({
      ...files,
      'prox.json5': config(`{ ${DROP} }`, `logging: { access_log: '${path}' }`),
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`: logging\\.access_log: the log file ${path} cannot be opened: ${why}$`));
  });

  it('is watched while it is missing, so that making it mends the config', async () => {
    const folder = new ConfigFolder({ 'prox.json5': config(`{ ${DROP}, access_log: 'no/a.log' }`) });
    const error: unknown = await loadConfig(folder.at('prox.json5'), TEST_FEATURES).catch((thrown: unknown) => thrown);
    folder.write('no/', '');
    const { files } = await loadConfig(folder.at('prox.json5'), TEST_FEATURES);
    folder.remove();
    expect((error as ConfigError).files).toContain(folder.at('no'));
    expect(files).toEqual([folder.at('prox.json5')]);
  });

  it('is not asked for where a route turns its log off, nor of a special file', async () => {
    const { logs } = await load({
      'prox.json5': config(`{ ${DROP}, access_log: 'off' }`, `logging: { access_log: '/dev/stdout' }`),
    });
    expect(Object.keys(logs)).toEqual(['/dev/stdout']);
  });
});
