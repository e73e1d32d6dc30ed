/** The cases of the benchmark; see bench/run.sh. */
import { rmSync, writeFileSync } from 'node:fs';
import { round } from './lib/load.mjs';
import { idleConnections, pausingReader } from './lib/memory-cases.mjs';
import { listening, median, stop } from './lib/process.mjs';
import { table, writeInto } from './lib/report.mjs';
import { folder, NGINX_PORT, PROX_PORT, startNginx, startProx, startUpstream } from './lib/setup.mjs';

/** Rounds alternate between the proxies, so that a machine whose speed drifts is fair to both. */
const ROUNDS = 5;
const SECONDS = 3;

const CASES = {
  'keep-alive': () => compare('keep-alive, 2 B', '/', { bound: 1.35 }),
  'keep-alive-16k': () => compare('keep-alive, 16 KiB', '/files/16k', {}),
  'body-1m': () => compare('1 MiB body', '/files/1m', { bound: 1 }),
  'routes-10k': () =>
    compare('keep-alive, 2 B, 10,000 routes', '/', { routes: manyRoutes(), host: 'host9999.example.com' }),
  'access-log': () => compare('keep-alive, 2 B, access log on', '/', { accessLog: true }),
  idle: idleConnections,
  'slow-reader': pausingReader,
  start: startTime,
};

const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const unknown = names.filter((name) => !(name in CASES));
if (unknown.length > 0 || process.argv.includes('--list')) {
  console.log(
    `${unknown.length > 0 ? `no such case: ${unknown.join(', ')}\n` : ''}cases: ${Object.keys(CASES).join(', ')}`,
  );
  process.exit(unknown.length > 0 ? 1 : 0);
}

const upstream = await startUpstream();
const results = [];
for (const name of names.length > 0 ? names : Object.keys(CASES)) {
  console.error(`${name} …`);
  const result = await CASES[name]();
  console.error(
    `  prox ${result.prox}${result.nginx === undefined ? '' : `, nginx ${result.nginx}, ratio ${result.ratio.toFixed(2)}`}`,
  );
  results.push(result);
}
await stop(upstream);
rmSync(folder, { recursive: true, force: true });

console.log(table(results));
if (process.argv.includes('--write')) {
  writeFileSync(
    new URL('results.json', import.meta.url),
    `${JSON.stringify({ node: process.version, results }, null, 2)}\n`,
  );
  for (const file of ['../README.md', 'README.md']) writeInto(new URL(file, import.meta.url), table(results));
}

/** CPU time a request of prox beside nginx, on the same upstream, in turns. */
async function compare(title, path, { bound, routes, host, accessLog = false }) {
  const nginx = await startNginx({ accessLog });
  const prox = await startProx({ routes, accessLog });
  const headers = host === undefined ? [] : [`Host: ${host}`];
  const proxies = { prox: [prox.pid, PROX_PORT], nginx: [nginx.pid, NGINX_PORT] };
  const rounds = { prox: [], nginx: [] };
  for (let i = -1; i < ROUNDS; i++) {
    for (const [name, [pid, port]] of Object.entries(proxies)) {
      const measured = await round(pid, `http://127.0.0.1:${port}${path}`, SECONDS, headers);
      if (i >= 0) rounds[name].push(measured);
    }
  }
  await stop(prox);
  await stop(nginx);
  const cpu = (name) => median(rounds[name].map((measured) => measured.cpu));
  return {
    case: `${title}, CPU a request`,
    prox: `${cpu('prox').toFixed(1)} µs`,
    nginx: `${cpu('nginx').toFixed(1)} µs`,
    ratio: cpu('prox') / cpu('nginx'),
    bound: bound === undefined ? '–' : `at most ${bound.toFixed(2)}`,
    rounds,
  };
}

function manyRoutes() {
  return Array.from({ length: 10_000 }, (_, i) => ({
    match: { domain: `host${i}.example.com` },
    action: { type: 'proxy', upstream: '127.0.0.1:18190' },
  }));
}

/** From the start of the process to the first accepted connection. */
async function startTime() {
  const times = [];
  for (let i = 0; i < 7; i++) {
    const before = performance.now();
    const prox = await startProx();
    await listening(PROX_PORT);
    times.push(performance.now() - before);
    await stop(prox);
  }
  return { case: 'from start to listening', prox: `${median(times).toFixed(0)} ms`, bound: 'below 300 ms' };
}
