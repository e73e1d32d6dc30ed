/** Load generators, on the core that is not the proxies'. Any failed request fails the benchmark. */
import { spawn } from 'node:child_process';
import { LOAD_CORE } from './process.mjs';

/** The server name of pass routes: patterns have two labels at least, and wrk can only ask for what resolves. */
export const PASSED_NAME = 'pass.localhost';

/** Runs wrk with 64 connections. @returns requests done */
export async function wrk(url, seconds, headers = []) {
  const fields = headers.flatMap((header) => ['-H', header]);
  const output = await run('wrk', ['-t1', '-c64', `-d${seconds}s`, ...fields, url]);
  const errors = /Socket errors:.*|Non-2xx or 3xx responses: \d+/.exec(output)?.[0] ?? null;
  if (errors !== null) throw new Error(`wrk ${url}: ${errors}`);
  return Number(/(\d+) requests in/.exec(output)?.[1]);
}

/** Runs h2load: 16 connections with 8 streams each. @returns requests done */
export async function h2load(url, seconds) {
  const output = await run('h2load', ['-c16', '-m8', `-D${seconds}`, url]);
  const [, done, failed] = /requests: .* (\d+) succeeded, (\d+) failed/.exec(output) ?? [];
  if (done === undefined || Number(done) === 0 || failed !== '0') throw new Error(`h2load ${url}:\n${output}`);
  return Number(done);
}

/** Runs h2load over HTTP/1.1 with 64 connections that ask for the name of the pass route. @returns requests done */
export async function h2loadPassed(port, path, seconds) {
  const target = [`--connect-to=127.0.0.1:${port}`, `https://${PASSED_NAME}:${port}${path}`];
  const output = await run('h2load', ['--h1', '-c64', `-D${seconds}`, ...target]);
  const [, done, failed] = /requests: .* (\d+) succeeded, (\d+) failed/.exec(output) ?? [];
  if (done === undefined || Number(done) === 0 || failed !== '0') throw new Error(`h2load ${path}:\n${output}`);
  return Number(done);
}

/** Runs openssl s_time: one full handshake and one GET after another, no session resumed. @returns handshakes done */
export async function handshakes(address, seconds) {
  const output = await run('openssl', ['s_time', '-connect', address, '-new', '-www', '/', '-time', String(seconds)]);
  const done = Number(/(\d+) connections in \d+ real seconds/.exec(output)?.[1]);
  if (!(done > 0)) throw new Error(`openssl s_time ${address}:\n${output}`);
  return done;
}

async function run(command, args) {
  const child = spawn('taskset', ['-c', String(LOAD_CORE), command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${command} failed:\n${output}`);
  return output;
}
