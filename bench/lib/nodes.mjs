/** The lines of Node that the benchmark runs JavaScript on: those of runtimes/, or what the system has. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Missing } from './missing.mjs';

/** The line that figures are for. */
export const MAIN_LINE = 24;

/**
 * A Node of a line.
 * @param {number} line major version
 * @returns {{ path: string, version: string }}
 * @throws {Missing} when neither runtimes/ nor the system has one
 */
export function nodeOf(line) {
  const installed = fileURLToPath(new URL(`../../runtimes/node_modules/node-${line}/bin/node`, import.meta.url));
  for (const path of [installed, process.execPath, 'node']) {
    if (path.includes('/') && !existsSync(path)) continue;
    const version = execFileSync(path, ['-p', 'process.version'], { encoding: 'utf8' }).trim();
    if (version.startsWith(`v${line}.`)) return { path, version };
  }
  throw new Missing(`no Node ${line} in runtimes/ (npm ci --prefix runtimes) nor in the path`);
}

/** The Node of the main line, or the one that runs this where there is none. */
export function mainNode() {
  try {
    return nodeOf(MAIN_LINE);
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    return { path: process.execPath, version: process.version };
  }
}
