/**
 * Builds the daemon: cmd/prox/main.ts and everything it imports become one file, dist/prox.mjs, with a linked source
 * map beside it. Names are kept readable, so that a stack trace from production reads like the source.
 *
 * `--entry FILE` and `--out FILE` build another program in the same way; without them this script builds the daemon.
 */
import { chmod, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** The oldest Node that the bundle runs on; `engines` in package.json says the same. */
const TARGET = 'node20.19';

/** CommonJS dependencies (pino among them) call `require` for Node's own modules; an ES module has none by itself. */
const REQUIRE_BANNER =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

const { values } = parseArgs({
  options: {
    entry: { type: 'string', default: join(root, 'cmd/prox/main.ts') },
    out: { type: 'string', default: join(root, 'dist/prox.mjs') },
  },
});

const started = performance.now();
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));

const result = await build({
  absWorkingDir: root,
  entryPoints: [values.entry],
  outfile: values.out,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: TARGET,
  banner: { js: `#!/usr/bin/env node\n${REQUIRE_BANNER}` },
  define: { PROX_VERSION: JSON.stringify(manifest.version) },
  sourcemap: 'linked',
  sourcesContent: true,
  metafile: true,
  logLevel: 'silent',
}).catch((/** @type {unknown} */ error) => fail(error));

// A warning of esbuild (a `require` that it cannot follow, a constant condition) breaks at run time: it is an error.
if (result.warnings.length > 0) fail(result);

await chmod(values.out, 0o755);
const { size } = await stat(values.out);
const inputs = Object.keys(result.metafile.inputs).length;
const elapsed = Math.round(performance.now() - started);
const name = relative(process.cwd(), values.out) || basename(values.out);
console.log(`${name}: ${manifest.version}, ${(size / 1024).toFixed(0)} KiB of ${inputs} files in ${elapsed} ms`);

/** Prints every message with its place and ends the build: no output file counts after this. */
function fail({ errors = [], warnings = [], message }) {
  const all = [...errors, ...warnings];
  if (all.length === 0) console.error(message);
  for (const { text, location } of all) {
    const place = location === null ? '' : `${location.file}:${location.line}:${location.column + 1}: `;
    console.error(`build: ${place}${text}`);
  }
  process.exit(1);
}
