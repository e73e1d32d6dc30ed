/**
 * Adds up vitest's JSON reports, given as arguments, and prints `N passed, N failed` as the last line. Beside each
 * NAME.json lies NAME.status with the exit status of its run. Fails when a test failed, a test file could not be run, a
 * test was skipped, a report is missing, or a run failed for a reason outside its tests.
 */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const totals = { passed: 0, failed: 0, skipped: 0 };

for (const path of process.argv.slice(2)) {
  const name = basename(path, '.json');
  const counts = countsOf(path);
  totals.passed += counts.passed;
  totals.failed += counts.failed;
  totals.skipped += counts.skipped;
  console.log(`${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped${counts.note}`);
}

if (totals.skipped > 0) console.log('A skipped test proves nothing: run it or remove it.');
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed > 0 || totals.skipped > 0 || totals.passed === 0 ? 1 : 0;

/** A run without a report was killed or never began: that is one failure, not none. */
function countsOf(path) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    return { passed: 0, failed: 1, skipped: 0, note: ` (no report: ${error.message})` };
  }
  // A file that throws while it loads fails without holding a failed test.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  for (const { name, message } of broken) console.log(`${name}: ${message}`);
  const failed = report.numFailedTests + broken.length;
  const status = readFileSync(path.replace(/\.json$/, '.status'), 'utf8').trim();
  return {
    passed: report.numPassedTests,
    // An unhandled rejection between two tests fails the run and none of them.
    failed: failed === 0 && status !== '0' ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
    note: status === '0' ? '' : ` (status ${status})`,
  };
}
