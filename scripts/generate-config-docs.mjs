// Writes docs/config.md, docs/middlewares/README.md and docs/schema/prox.schema.json from the prose and the schema in internal/config, and from the
// schemas of the middlewares in internal/feature.
// A test compares them with what this script would write: run it after every change there.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = await mkdtemp(join(tmpdir(), 'prox-docs-'));

try {
  const outfile = join(scratch, 'generate.mjs');
  await build({
    stdin: {
      contents: `
        export { generateDocs } from './internal/config/index.ts';
        export { FEATURES } from './internal/feature/list.ts';`,
      resolveDir: root,
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // What pure JavaScript asks Node for in the older way.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const { generateDocs, FEATURES } = await import(pathToFileURL(outfile).href);
  const read = (name) => readFile(join(root, 'internal/config/reference', name), 'utf8');
  const prose = { reference: await read('prose.md'), middlewares: await read('middlewares.md') };
  for (const [path, content] of Object.entries(generateDocs(prose, FEATURES))) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    console.log(path);
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}
