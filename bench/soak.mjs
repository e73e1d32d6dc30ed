/** Mixed load for minutes, and the memory of every process of prox meanwhile; see bench/soak.sh. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { curve } from './lib/curve.mjs';
import { h2load, h2loadPassed, wrk } from './lib/load.mjs';
import { memoryOf, stop } from './lib/process.mjs';
import { folder, PROX_PORT, PROX_TLS_PORT, startSoaked, startUpstream } from './lib/setup.mjs';

const SAMPLE_SECONDS = 5;
const WORKERS = 2;
const seconds = Number(process.argv[2] ?? 600);

/** What is done in turns, a few seconds each. */
const LOADS = [
  ['HTTP keep-alive', () => wrk(`http://127.0.0.1:${PROX_PORT}/`, 4)],
  ['1 MiB bodies', () => wrk(`http://127.0.0.1:${PROX_PORT}/files/1m`, 3)],
  ['new connections', () => wrk(`http://127.0.0.1:${PROX_PORT}/`, 3, ['Connection: close'])],
  ['HTTPS keep-alive', () => wrk(`https://127.0.0.1:${PROX_TLS_PORT}/`, 3)],
  ['TLS handshakes', () => wrk(`https://127.0.0.1:${PROX_TLS_PORT}/`, 3, ['Connection: close'])],
  ['HTTP/2', () => h2load(`https://127.0.0.1:${PROX_TLS_PORT}/`, 4)],
  ['L4 pass', () => h2loadPassed(PROX_TLS_PORT, '/files/1m', 3)],
];

const upstream = await startUpstream();
const prox = await startSoaked(WORKERS);
const pids = [prox.pid, ...childrenOf(prox.pid)];
const names = pids.map((_, index) => (index === 0 ? 'supervisor' : `worker ${index}`));
const times = [];
const series = Object.fromEntries(names.map((name) => [name, []]));
const done = {};
const began = performance.now();

const sampler = setInterval(() => {
  times.push(Math.round((performance.now() - began) / 1000));
  pids.forEach((pid, index) => series[names[index]].push(Math.round(memoryOf(pid).resident / 1e5) / 10));
}, SAMPLE_SECONDS * 1000);

while ((performance.now() - began) / 1000 < seconds) {
  for (const [name, load] of LOADS) done[name] = (done[name] ?? 0) + (await load());
  console.error(
    `${Math.round((performance.now() - began) / 1000)} s: ${names.map((n) => `${n} ${series[n].at(-1)} MB`).join(', ')}`,
  );
}
clearInterval(sampler);
await stop(prox);
await stop(upstream);
rmSync(folder, { recursive: true, force: true });

const here = (name) => new URL(name, import.meta.url);
writeFileSync(
  here('soak.json'),
  `${JSON.stringify({ node: process.version, requests: done, times, resident_mb: series })}\n`,
);
writeFileSync(here('soak.svg'), curve('Resident memory under mixed load', times, series));
console.log(`requests: ${JSON.stringify(done)}`);

/** The processes that a process has started. */
function childrenOf(pid) {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
}
