/** Runs the benchmark; see bench/run.sh. */
import { writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { allCases } from './lib/all-cases.mjs';
import { parse, USAGE } from './lib/arguments.mjs';
import { allPeers, presentPeers } from './lib/peers.mjs';
import { stop } from './lib/process.mjs';
import { comparison, proxBefore } from './lib/prox-before.mjs';
import { resultTable } from './lib/tables.mjs';
import { startUpstream } from './lib/upstream.mjs';
import { writeReport } from './lib/report.mjs';

const peers = await allPeers();
const asked = parse(
  process.argv.slice(2),
  Object.keys(allCases),
  peers.map(({ name }) => name),
);
if (asked.problem !== null || asked.help) {
  console.log(asked.problem ?? USAGE);
  process.exit(asked.problem === null ? 0 : 1);
}
if (asked.list) {
  console.log(`cases: ${Object.keys(allCases).join(', ')}\nproxies: ${peers.map(({ name }) => name).join(', ')}`);
  process.exit(0);
}

const wanted =
  asked.against === null
    ? peers.filter(({ name }) => asked.peers.includes(name))
    : [...peers.filter(({ name }) => name === 'prox'), before(asked.against)];
const { present, absent } = await presentPeers(wanted, { build: asked.go });
for (const [name, reason] of Object.entries(absent)) console.error(`${name}: not measured: ${reason}`);
const measuringFrom = performance.now();
const results = {
  date: new Date().toISOString(),
  machine: {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: totalmem(),
    kernel: release(),
  },
  settings: asked.settings,
  proxies: Object.fromEntries(
    present.map(({ name, title, kind, beside, says }) => [name, { title, kind, beside, version: says }]),
  ),
  absent,
  cases: {},
};

// One that was asked for by name has to be there.
const failures = asked.named.filter((name) => name in absent).map((name) => `${name}: ${absent[name]}`);
let upstream;
try {
  upstream = await startUpstream();
} catch (error) {
  console.error(`bench/run.sh: the upstream does not start: ${error.message}`);
  process.exit(1);
}
for (const name of asked.cases) await measure(name, allCases[name]);
await stop(upstream);
results.seconds = Math.round((performance.now() - measuringFrom) / 1000);

console.error(`measured for ${Math.floor(results.seconds / 60)} min ${results.seconds % 60} s`);
if (asked.against !== null) console.log(comparison(results));
if (asked.write) {
  writeFileSync(new URL('results.json', import.meta.url), `${JSON.stringify(results, null, 1)}\n`);
  writeReport(results);
}
if (asked.out !== null) writeFileSync(asked.out, `${JSON.stringify(results, null, 1)}\n`);
for (const failure of failures) console.error(`FAILED: ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function measure(name, { title, kind, unit, needs, chart, only, without = {}, bound, run }) {
  const takesPart = (peer) =>
    asked.named.includes(peer.name) || !peer.beside || (peer.cases === undefined ? bound : peer.cases.includes(name));
  const able = present.filter((peer) => (only === undefined || only.includes(peer.kind)) && takesPart(peer));
  const leftOut = Object.fromEntries(able.flatMap((peer) => whyNot(peer, needs, without)));
  const measured = able.filter((peer) => !(peer.name in leftOut));
  if (measured.length === 0) {
    console.error(`${name}: none of the proxies takes part`);
    return;
  }
  const from = performance.now();
  console.error(`${name}: ${title}`);
  const outcome = await run({
    peers: measured,
    settings: asked.settings,
    results,
    onFailure(proxy, reason) {
      failures.push(`${name}, ${proxy}: ${reason}`);
      console.error(`  ${proxy}: FAILED: ${reason}`);
    },
  });
  results.cases[name] = {
    title,
    kind,
    unit,
    chart,
    seconds: Math.round((performance.now() - from) / 1000),
    ...outcome,
    leftOut,
  };
  console.log(`\n${resultTable(results, name)}\n`);
}

/** Why a proxy has no figures in a case: it cannot, or they would tell nothing; one asked for by name is measured. */
function whyNot({ name, kind, can, cannot }, needs, without) {
  const need = needs.find((need) => !can.includes(need));
  if (need !== undefined) return [[name, cannot?.[need] ?? 'cannot']];
  const reason = without[name] ?? without[kind];
  return reason === undefined || asked.named.includes(name) ? [] : [[name, reason]];
}

function before(ref) {
  try {
    return proxBefore(ref);
  } catch (error) {
    console.error(`bench/run.sh: --against ${ref}: ${error.message}`);
    process.exit(1);
  }
}
