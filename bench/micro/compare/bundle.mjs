/** Bundles TypeScript, as Node 20 cannot run it: benchmarks, and the pure parts of the tools. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { build } from 'esbuild';

/** The repository. */
export const ROOT = join(import.meta.dirname, '../../..');

/** As in scripts/build.mjs: CommonJS among the dependencies calls `require` for modules of Node. */
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/**
 * Bundles a file of a checkout into `dist/bench/` of that checkout, two folders below its root like the source, so that
 * paths from `import.meta.url` stay what they are.
 * @param {string} tree the checkout
 * @param {string} entry relative to it
 * @returns {Promise<string>} the bundle
 * @throws {Error} with what does not compile
 */
export async function bundle(tree, entry) {
  const { version } = JSON.parse(readFileSync(join(tree, 'package.json'), 'utf8'));
  const outfile = join(tree, 'dist/bench', entry.replaceAll('/', '-').replace(/\.ts$/, '.mjs'));
  const result = await build({
    absWorkingDir: tree,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    banner: { js: REQUIRE_BANNER },
    define: { PROX_VERSION: JSON.stringify(version) },
    logLevel: 'silent',
  }).catch((/** @type {unknown} */ error) => error);
  if (!(result instanceof Error)) return outfile;
  if (result.errors === undefined) throw result;
  const texts = result.errors.map(({ text, location }) => `${location?.file ?? entry}:${location?.line ?? 0}: ${text}`);
  throw new Error(texts.join('\n'));
}

/** Bundles a module of this checkout, and imports it. */
export async function load(entry) {
  return import(pathToFileURL(await bundle(ROOT, entry)).href);
}
