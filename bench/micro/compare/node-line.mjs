/** Which Node to measure on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

import { ROOT } from './bundle.mjs';

/** The line that prox recommends: measured when nothing else is asked for and runtimes/ has it. */
const RECOMMENDED = '24';

/**
 * @param {string | undefined} line 20, 24, 26; the recommended one when left out, else the Node that runs this
 * @returns {string} path of the binary
 * @throws {Error} when that line is not here
 */
export function nodeOfLine(line) {
  const wanted = line ?? RECOMMENDED;
  if (process.versions.node.split('.')[0] === wanted) return process.execPath;
  const binary = join(ROOT, `runtimes/node_modules/node-${wanted}/bin/node`);
  if (existsSync(binary)) return binary;
  if (line === undefined) return process.execPath;
  throw new Error(`Node ${line} is not here: this is ${process.version}, and 'npm ci --prefix runtimes' brings others`);
}
