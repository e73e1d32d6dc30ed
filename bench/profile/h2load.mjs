/**
 * h2load as a profile needs it: how many requests were done, and no times of each. It gets a number of requests rather
 * than a time: with `-D`, h2load 1.52 goes on for ever when some of its connections were not ready at the end of it.
 */
import { passing, varied } from '../lib/load.mjs';
import { LOAD_CORE, start } from '../lib/process.mjs';

/** As many as each connection can have under way, and more. */
const FIRST_REQUESTS = 256;

/** HTTP/2 over TLS: 16 connections with 8 streams each. @returns {Promise<{ done: number }>} */
export function http2(origin, seconds) {
  return forSeconds(seconds, ['-c16', '-m8', ...varied(origin, '/')]);
}

/** HTTP/1.1 over TLS with 64 connections that ask for the name of the pass route. @returns {Promise<{ done: number }>} */
export function passed(port, path, seconds) {
  return forSeconds(seconds, passing(port, path));
}

/** Batch by batch, each of what the last one lets expect for the time that is left. */
async function forSeconds(seconds, target) {
  const began = performance.now();
  const left = () => seconds - (performance.now() - began) / 1000;
  let done = 0;
  for (let batch = FIRST_REQUESTS; left() > 0;) {
    const before = left();
    await h2load(batch, target);
    done += batch;
    batch = Math.max(FIRST_REQUESTS, Math.round((batch / (before - left())) * left()));
  }
  return { done };
}

async function h2load(requests, target) {
  const args = [`-n${requests}`, ...target];
  const child = start(LOAD_CORE, 'h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const [, done, failed] = /requests: .* (\d+) succeeded, (\d+) failed/.exec(output) ?? [];
  if (code !== 0 || Number(done) !== requests || failed !== '0')
    throw new Error(`h2load ended with ${code}:\n${output}`);
}
