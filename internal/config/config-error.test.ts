import { symlinkSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './load-config.ts';
import { TEST_FEATURES } from './testing/features.ts';
import { ConfigError } from './problem.ts';
import { ConfigFolder } from './testing/config-folder.ts';

const ROOT = `{
resources: { s: { file: 'www' } },
services: { web: {
listen: ':8080',
routes: [
'r.json5'
] } } }`;

describe('ConfigError', () => {
  it('names every file that was looked at, and shows paths below the working directory from there', async () => {
    const folder = new ConfigFolder({
      'prox.json5': ROOT,
    });
    const error = await loadConfig(relative(process.cwd(), folder.at('prox.json5')), TEST_FEATURES).catch(
      (thrown: unknown) => thrown as ConfigError,
    );
    folder.remove();
    expect(error).toBeInstanceOf(ConfigError);
    const { files, problems } = error as ConfigError;
    expect(files).toEqual([folder.at('prox.json5'), folder.at('r.json5'), folder.at('www')]);
    expect(problems.map(({ position }) => [position.file, position.line, position.column])).toEqual([
      [folder.at('prox.json5'), 2, 25],
      [folder.at('prox.json5'), 6, 1],
    ]);
  });

  it('is thrown for a link that leads nowhere and for one that leads to itself', async () => {
    const folder = new ConfigFolder();
    symlinkSync('loop.json5', folder.at('loop.json5'));
    symlinkSync('nowhere', folder.at('dead.json5'));
    await expect(loadConfig(folder.at('loop.json5'), TEST_FEATURES)).rejects.toThrow(
      'its symbolic links go in a circle',
    );
    await expect(loadConfig(folder.at('dead.json5'), TEST_FEATURES)).rejects.toThrow('it does not exist');
    folder.remove();
  });
});
