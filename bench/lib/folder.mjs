/** The folder of a run, for configs, logs and served files: in memory where that is possible, as no disk is measured. */
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const folder = mkdtempSync(join(inMemory() ? '/dev/shm' : tmpdir(), 'prox-bench-'));

process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

function inMemory() {
  try {
    accessSync('/dev/shm', constants.W_OK);
    return true;
  } catch {
    return false; // Then on disk: the figures of access logs are a little less steady.
  }
}
