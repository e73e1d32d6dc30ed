import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfig } from '../load-config.ts';
import type { Config } from '../config.ts';
import type { FeatureSchema } from '../feature.ts';
import { ConfigError } from '../problem.ts';
import { TEST_FEATURES } from './features.ts';

/** A temporary folder of files for one test; a name that ends with `/` is a folder. */
export class ConfigFolder {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'prox-config-')));

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    for (const [name, content] of Object.entries(files)) this.write(name, content);
  }

  write(name: string, content: string | Uint8Array): void {
    const path = join(this.path, name);
    mkdirSync(name.endsWith('/') ? path : dirname(path), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(path, content);
  }

  at(name: string): string {
    return join(this.path, name);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Loads files, of which `entry` is the config, and removes them again. */
export async function load(
  files: Readonly<Record<string, string | Uint8Array>>,
  entry = 'prox.json5',
  features: readonly FeatureSchema[] = TEST_FEATURES,
): Promise<Config> {
  const folder = new ConfigFolder(files);
  try {
    return await loadConfig(folder.at(entry), features);
  } finally {
    folder.remove();
  }
}

/** The lines of the error that files give, with the folder's path taken out of them. Empty when they load. */
export async function problemsOf(
  files: Readonly<Record<string, string | Uint8Array>>,
  entry = 'prox.json5',
  features: readonly FeatureSchema[] = TEST_FEATURES,
): Promise<readonly string[]> {
  const folder = new ConfigFolder(files);
  try {
    await loadConfig(folder.at(entry), features);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.replaceAll(`${folder.path}/`, '').replaceAll(folder.path, '.').split('\n');
  } finally {
    folder.remove();
  }
}
