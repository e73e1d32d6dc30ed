import { readFileSync } from 'node:fs';

import { configDefaults, defineConfig } from 'vitest/config';
import { withoutTools } from './tests/testing/absent-tools.ts';

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string };

/** Where .ci/run wants the results as JSON; people read the default reporter, whose last lines hold the counts. */
const report = process.env['PROX_TEST_REPORT'];

/** Folders with tests. */
const FOLDERS = ['internal', 'cmd', 'tests', 'bench'];

// A test is never skipped: it runs, or this machine cannot run its file, which is said. In CI that is a failure.
const leftOut = withoutTools(import.meta.dirname, FOLDERS);
for (const line of leftOut.lines) process.stderr.write(`${line}\n`);
if (leftOut.lines.length > 0 && process.env['CI'] !== undefined && process.env['CI'] !== 'false') {
  throw new Error('tools of the tests are absent; .ci/install-tools.sh installs them');
}

export default defineConfig({
  // What scripts/build.mjs puts into the bundle.
  define: { PROX_VERSION: JSON.stringify(version) },
  test: {
    include: [`{${FOLDERS.join(',')}}/**/*.test.ts`],
    exclude: [...configDefaults.exclude, ...leftOut.files],
    environment: 'node',
    // A process per file: end-to-end tests start daemons and change signal handlers, and threads share both.
    pool: 'forks',
    // Two keep the suite quick on two cores and leave the daemons under test room to run.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    // A forgotten `.only` must not turn the suite green; neither may a file without tests.
    allowOnly: false,
    passWithNoTests: false,
    dangerouslyIgnoreUnhandledErrors: false,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
  },
});
