import { cp, lstat, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { TestDaemon, webConfig } from '../testing/daemon.ts';
import { type Finished, run } from '../testing/run-prox.ts';

/** What an installation may take of the disk. */
const MAX_INSTALLED_BYTES = 7e6;

const ROOT = join(import.meta.dirname, '../..');

/** A clone holds more, which neither the build nor the package reads. */
const CLONED = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'README.md',
  'LICENSE',
  'scripts',
  'cmd',
  'internal',
].concat(['config', 'docs']);

let folder: string;
/** As a fresh clone after `npm ci --ignore-scripts`: without dist/. */
let clone: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'prox-install-'));
  clone = at('clone');
  for (const name of CLONED) await cp(join(ROOT, name), join(clone, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(clone, 'node_modules'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** npm without a registry, and without what an npm that runs this test hands down. */
async function npm(args: readonly string[], cwd: string): Promise<Finished> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    npm_config_cache: at('cache'),
    npm_config_registry: 'http://127.0.0.1:1/',
    npm_config_offline: 'true',
  } as Record<string, string>;
  const finished = await run('npm', args, { cwd, env, inherit: false });
  if (finished.code !== 0) throw new Error(`npm ${args[0]}: ${finished.stderr}`);
  return finished;
}

async function bytesOf(path: string): Promise<number> {
  const stats = await lstat(path);
  if (!stats.isDirectory()) return stats.size;
  const sizes = await Promise.all((await readdir(path)).map((name) => bytesOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('npm pack', () => {
  it('makes a package that is installed without a registry, is small, and serves', async () => {
    await npm(['pack', '--pack-destination', folder], clone);
    await npm(['install', '--global', '--prefix', at('packed'), at(`prox-${manifest.version}.tgz`)], folder);
    expect(await readdir(at('packed/lib/node_modules'))).toEqual(['prox']);
    expect(await bytesOf(at('packed'))).toBeLessThan(MAX_INSTALLED_BYTES);

    const { code, stdout } = await run(at('packed/bin/prox'), ['version']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `prox ${manifest.version} (Node ${process.version})\n` });

    const config = webConfig([{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }]);
    const daemon = await TestDaemon.start(config, { program: at('packed/bin/prox'), workers: 1 });
    try {
      expect(await (await fetch(daemon.url())).text()).toBe('ok');
    } finally {
      await daemon.stop();
    }
  });
});

describe('npm install -g .', () => {
  it('builds what a clone does not hold', async () => {
    await rm(join(clone, 'dist'), { recursive: true, force: true });
    await npm(['install', '--global', '--prefix', at('linked'), '.'], clone);
    const { code, stdout } = await run(at('linked/bin/prox'), ['version']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `prox ${manifest.version} (Node ${process.version})\n` });
  });
});
