/** Load generators, on the core that is not the proxies'. Each throws when a request failed, unless it says otherwise. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder } from './folder.mjs';
import { LOAD_CORE, start } from './process.mjs';
import { percentile } from './stats.mjs';

/** The server name of pass routes: patterns have two labels at least, and wrk can only ask for what resolves. */
export const PASSED_NAME = 'pass.localhost';

const SCRIPT = fileURLToPath(new URL('requests.lua', import.meta.url));
const SOCKET_LOAD = fileURLToPath(new URL('websocket-load.mjs', import.meta.url));

/** Of HTTP/1.1. */
const CONNECTIONS = 64;

/** Paths that a list of requests rotates over, as in requests.lua. */
const PATHS = 64;

/** Requests of the first batch, which finds the rate of those that follow: at least one for each stream. */
const FIRST_REQUESTS = 256;

/** No load takes as long; a generator that waits for a connection for ever must not hold the benchmark. */
const HANG_MS = 30_000;

/** No request failed and none was answered, which happens with every proxy if the machine stands still for a second. */
export class Stalled extends Error {}

/**
 * @typedef {object} Load what a round has done
 * @property {number} done units of work
 * @property {number} seconds
 * @property {number} [p50] microseconds, as p99, p999 and max
 * @property {number} [failed] requests that failed, where they are counted
 */

/**
 * Runs wrk with 64 connections over varied requests.
 * @param {string} origin scheme, host and port
 * @param {number} seconds whole ones
 * @param {object} [options]
 * @param {string} [options.folder] of the upstream's files; each path is one of 64 in it
 * @param {string} [options.method]
 * @param {number} [options.hosts] number of host names that the requests are spread over; 0: that of the URL
 * @param {number} [options.body] bytes of each request's body
 * @param {boolean} [options.close] whether each request gets a connection of its own
 * @param {boolean} [options.tolerant] whether failed requests are counted rather than thrown
 * @returns {Promise<Load>}
 */
export async function wrk(origin, seconds, options = {}) {
  const { folder: files = '/', method = 'GET', hosts = 0, body = 0, close = false, tolerant = false } = options;
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '10s', '-s', SCRIPT, `${origin}/`, '--'];
  const output = await run('wrk', [...args, files, method, String(hosts), String(body), close ? '1' : '0']);
  const line = /^\{.*\}$/m.exec(output)?.[0];
  if (line === undefined) throw new Error(`wrk ${origin}:\n${output}`);
  const { connect, read, write, status, timeout, ...load } = JSON.parse(line);
  const failed = connect + read + write + status + timeout;
  if (tolerant) return { ...load, failed };
  if (failed === 0 && load.done === 0) throw new Stalled(`no answer within ${seconds} s`);
  if (failed > 0) {
    throw new Error(
      `of ${load.done} requests: ${status} with an error status, ${connect} failed to connect, ${read} to read, ${write} to write, ${timeout} timed out`,
    );
  }
  return load;
}

/**
 * Runs h2load, which notes each answer's time. It is told a number of requests, as with a duration it sometimes never
 * ends ("Stopped all clients", and then nothing), whichever proxy it talks to.
 * @param {string[]} target arguments that name what is asked for
 * @param {number} seconds about as long as it takes
 * @param {number | null} [rate] requests a second, as the round before had it; null: batches find it
 * @returns {Promise<Load>} with several batches the times are those of the last
 */
async function h2load(target, seconds, rate = null) {
  if (rate !== null) return batch(target, Math.max(FIRST_REQUESTS, Math.round(rate * seconds)));
  let load = await batch(target, FIRST_REQUESTS);
  const all = { done: load.done, seconds: load.seconds };
  while (all.seconds < seconds) {
    // A proxy that is not warm yet is slower than it will be, so that one more batch may be wanted after this.
    const left = (load.done / load.seconds) * (seconds - all.seconds);
    load = await batch(target, Math.max(FIRST_REQUESTS, Math.round(left)));
    all.done += load.done;
    all.seconds += load.seconds;
  }
  return { ...load, ...all };
}

async function batch(target, requests) {
  const log = join(folder, 'h2load.log');
  rmSync(log, { force: true });
  const output = await run('h2load', [`-n${requests}`, `--log-file=${log}`, ...target]);
  const [, done, failed] = /requests: .* (\d+) succeeded, (\d+) failed/.exec(output) ?? [];
  const [, perSecond] = /^finished in \S+, ([\d.]+) req\/s/m.exec(output) ?? [];
  if (Number(done) !== requests || failed !== '0' || !(Number(perSecond) > 0)) {
    const why = /^(requests|status codes): .*$/gm;
    throw new Error(`h2load: ${output.match(why)?.join('; ') ?? output}`);
  }
  return { done: requests, seconds: requests / Number(perSecond), ...timesOf(readFileSync(log, 'latin1')) };
}

/** Percentiles of the third column of h2load's log: microseconds until the end of a response. */
export function timesOf(log) {
  const times = Float64Array.from(log.trimEnd().split('\n'), (line) => Number(line.split('\t')[2])).sort();
  const [p50, p99, p999] = [0.5, 0.99, 0.999].map((share) => percentile(times, share));
  return { p50, p99, p999, max: times.at(-1) };
}

/** HTTP/2 over TLS: 16 connections with 8 streams each, over varied paths; as h2load above. */
export function http2(origin, seconds, rate) {
  return h2load(['-c16', '-m8', ...varied(origin, '/')], seconds, rate);
}

/**
 * HTTP/1.1 with 64 connections at a fixed rate.
 * @param {number} rate requests a second, all connections together
 */
export function atRate(origin, seconds, rate) {
  const each = Math.max(1, Math.round(rate / CONNECTIONS));
  const target = ['--h1', `-c${CONNECTIONS}`, `--rps=${each}`, ...varied(origin, '/')];
  return h2load(target, seconds, each * CONNECTIONS);
}

/** HTTP/1.1 over TLS with 64 connections that ask for the name of the pass route; as h2load above. */
export function passed(port, path, seconds, rate) {
  return h2load(passing(port, path), seconds, rate);
}

/** Arguments of h2load for 64 connections of HTTP/1.1 that ask for the name of the pass route. */
export function passing(port, path) {
  const target = [`--connect-to=127.0.0.1:${port}`, `https://${PASSED_NAME}:${port}${path}`];
  return ['--h1', `-c${CONNECTIONS}`, ...target];
}

/** Arguments of h2load for 64 paths and the fields of an API client. */
export function varied(origin, files) {
  const list = join(folder, 'uris');
  const path = (i) => (files === '/' ? `/api/v1/orders/${i * 7919}?fields=id,total,state&page=${i}` : `${files}/${i}`);
  writeFileSync(list, `${Array.from({ length: PATHS }, (_, i) => `${origin}${path(i)}`).join('\n')}\n`);
  const fields = {
    'user-agent': 'orders-client/4.1 (linux; x86_64)',
    accept: 'application/json',
    authorization: `Bearer ${'eyJhbGciOiJSUzI1NiIsImtpZCI6IjE3In0'.repeat(9)}`,
    'x-request-id': '7c9e6679-7425-40de-944b-e07fc1f90ae7',
    'accept-encoding': 'gzip',
  };
  return [...Object.entries(fields).flatMap(([name, value]) => ['-H', `${name}: ${value}`]), '-i', list];
}

/**
 * Runs openssl s_time: one full handshake and one GET after another, no session resumed.
 * @param {number} seconds whole ones; it takes up to one more
 * @returns {Promise<Load>}
 */
export async function handshakes(address, seconds) {
  const began = performance.now();
  const output = await run('openssl', ['s_time', '-connect', address, '-new', '-www', '/', '-time', String(seconds)]);
  const done = Number(/(\d+) connections in \d+ real seconds/.exec(output)?.[1]);
  if (!(done > 0)) throw new Error(`openssl s_time ${address}:\n${output}`);
  return { done, seconds: (performance.now() - began) / 1000 };
}

/** Sends messages through 64 WebSocket connections, each answered before the next. @returns {Promise<Load>} */
export async function webSocketMessages(node, port, seconds) {
  return JSON.parse(await run(node, [SOCKET_LOAD, String(port), String(seconds)]));
}

/** @throws {Error} when it fails, or takes so long that it must hang */
async function run(command, args) {
  const child = start(LOAD_CORE, command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  let hangs = false;
  const timer = setTimeout(() => {
    hangs = true;
    child.kill('SIGKILL');
  }, HANG_MS);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  if (hangs) throw new Error(`${command} did not end within ${HANG_MS / 1000} s:\n${output}${errors}`);
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}${errors}`);
  return output;
}
