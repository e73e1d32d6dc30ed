/** Mixed load for minutes, and the memory of every process of prox meanwhile; see bench/soak.sh. */
import { writeFileSync } from 'node:fs';
import { curve } from './lib/curve.mjs';
import { http2, passed, wrk } from './lib/load.mjs';
import { memoryOf, stop, treeOf } from './lib/process.mjs';
import { PROX_PORT, PROX_TLS_PORT, startSoaked } from './lib/setup.mjs';
import { startUpstream } from './lib/upstream.mjs';

const SAMPLE_SECONDS = 5;
const WORKERS = 2;
const seconds = Number(process.argv[2] ?? 600);

/** What is done in turns, a few seconds each. */
const PLAIN = `http://127.0.0.1:${PROX_PORT}`;
const SECURE = `https://127.0.0.1:${PROX_TLS_PORT}`;
const LOADS = [
  ['HTTP keep-alive', () => wrk(PLAIN, 4)],
  ['1 MiB bodies', () => wrk(PLAIN, 3, { folder: '/files/1m' })],
  ['new connections', () => wrk(PLAIN, 3, { close: true })],
  ['HTTPS keep-alive', () => wrk(SECURE, 3)],
  ['TLS handshakes', () => wrk(SECURE, 3, { close: true })],
  ['HTTP/2', () => http2(SECURE, 4)],
  ['L4 pass', () => passed(PROX_TLS_PORT, '/files/1m/0', 3)],
];

const upstream = await startUpstream();
const prox = await startSoaked(WORKERS);
const pids = treeOf(prox.pid);
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
  for (const [name, load] of LOADS) done[name] = (done[name] ?? 0) + (await load()).done;
  console.error(
    `${Math.round((performance.now() - began) / 1000)} s: ${names.map((n) => `${n} ${series[n].at(-1)} MB`).join(', ')}`,
  );
}
clearInterval(sampler);
await stop(prox);
await stop(upstream);

const here = (name) => new URL(name, import.meta.url);
writeFileSync(
  here('soak.json'),
  `${JSON.stringify({ node: process.version, requests: done, times, resident_mb: series })}\n`,
);
writeFileSync(here('soak.svg'), curve('Resident memory under mixed load', times, series));
console.log(`requests: ${JSON.stringify(done)}`);
