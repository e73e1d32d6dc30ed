/**
 * Runs as npm's `prepare`: after `npm ci`, and before `npm pack`, `npm publish` and an installation from a folder or
 * from git, none of which would bring dist/ otherwise.
 *
 * `npm install -g .` links the folder into the global ones and leaves out the devDependencies, which the build needs:
 * then they are installed first.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The npm that runs this script; another one may stand first in the path. */
const npm = process.env.npm_execpath;

/** The bundler has no script of its own to run, and `prepare` is running already. */
const INSTALL = ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'];

/** What a global installation hands down in the environment, and an installation of this folder refuses or misreads. */
const GLOBAL_ONLY = ['global', 'location', 'prefix', 'omit', 'allow_scripts'];

if (!canBuild()) {
  console.log('prepare: installing what the build needs');
  const status = npm === undefined ? run('npm', INSTALL) : run(process.execPath, [npm, ...INSTALL]);
  if (status !== 0 || !canBuild()) {
    console.error(`prepare: cannot build prox without its devDependencies; run \`npm ci\` in ${root}, then try again`);
    process.exit(1);
  }
}
process.exit(run(process.execPath, [join(root, 'scripts/build.mjs')]));

function canBuild() {
  return existsSync(join(root, 'node_modules/esbuild')) && existsSync(join(root, 'node_modules/zod'));
}

function run(command, args) {
  const env = { ...process.env };
  for (const name of GLOBAL_ONLY) delete env[`npm_config_${name}`];
  return spawnSync(command, args, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}
