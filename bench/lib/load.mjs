/** Load by wrk, and the CPU time that a proxy spends on it. */
import { spawn } from 'node:child_process';
import { cpuOf, LOAD_CORE } from './process.mjs';

/** Runs wrk for some seconds with 64 keep-alive connections. @returns requests done, p99 in milliseconds, errors */
export async function wrk(url, seconds, headers = []) {
  const args = ['-c', String(LOAD_CORE), 'wrk', '-t1', '-c64', `-d${seconds}s`, '--latency'];
  for (const header of headers) args.push('-H', header);
  const child = spawn('taskset', [...args, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`wrk ${url} failed:\n${output}`);
  const errors = /Socket errors:.*|Non-2xx or 3xx responses: \d+/.exec(output)?.[0] ?? null;
  if (errors !== null) throw new Error(`wrk ${url}: ${errors}`);
  const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(output) ?? [];
  return {
    requests: Number(/(\d+) requests in/.exec(output)?.[1]),
    p99: Number(p99) * { us: 0.001, ms: 1, s: 1000 }[unit],
  };
}

/** One round: load on a proxy, and what it cost. Microseconds of CPU a request. */
export async function round(pid, url, seconds, headers) {
  const before = cpuOf(pid);
  const { requests, p99 } = await wrk(url, seconds, headers);
  const after = cpuOf(pid);
  const user = ((after.user - before.user) * 1e6) / requests;
  const system = ((after.system - before.system) * 1e6) / requests;
  return { cpu: user + system, user, system, perSecond: requests / seconds, p99 };
}
