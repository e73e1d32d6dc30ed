/**
 * h2load as a profile needs it: how many requests were done, and no times of each. It gets a number of requests rather
 * than a time: with `-D`, h2load 1.52 goes on for ever when some of its connections were not ready at the end of it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder } from '../lib/folder.mjs';
import { PASSED_NAME } from '../lib/load.mjs';
import { LOAD_CORE, start } from '../lib/process.mjs';

/** Paths that requests rotate over. */
const PATHS = 64;
/** As many as each connection can have under way, and more. */
const FIRST_REQUESTS = 256;

/** Fields of an API client, as in bench/lib/load.mjs. */
const FIELDS = {
  'user-agent': 'orders-client/4.1 (linux; x86_64)',
  accept: 'application/json',
  authorization: `Bearer ${'eyJhbGciOiJSUzI1NiIsImtpZCI6IjE3In0'.repeat(9)}`,
  'x-request-id': '7c9e6679-7425-40de-944b-e07fc1f90ae7',
  'accept-encoding': 'gzip',
};

/** HTTP/2 over TLS: 16 connections with 8 streams each. @returns {Promise<{ done: number }>} */
export function http2(origin, seconds) {
  const list = join(folder, 'profile-uris');
  const uris = Array.from({ length: PATHS }, (_, i) => `${origin}/api/v1/orders/${i * 7919}?fields=id,total&page=${i}`);
  writeFileSync(list, `${uris.join('\n')}\n`);
  const fields = Object.entries(FIELDS).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  return forSeconds(seconds, ['-c16', '-m8', ...fields, '-i', list]);
}

/** HTTP/1.1 over TLS with 64 connections that ask for the name of the pass route. @returns {Promise<{ done: number }>} */
export function passed(port, path, seconds) {
  const target = [`--connect-to=127.0.0.1:${port}`, `https://${PASSED_NAME}:${port}${path}`];
  return forSeconds(seconds, ['--h1', '-c64', ...target]);
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
