/** The cases of the benchmark; see bench/run.sh. */
import { rmSync, writeFileSync } from 'node:fs';
import { httpCases } from './lib/http-cases.mjs';
import { memoryCases } from './lib/memory-cases.mjs';
import { stop } from './lib/process.mjs';
import { table, writeInto } from './lib/report.mjs';
import { folder, startUpstream } from './lib/setup.mjs';
import { tlsCases } from './lib/tls-cases.mjs';
import { workerCases } from './lib/worker-case.mjs';

const CASES = { ...httpCases, ...tlsCases, ...workerCases, ...memoryCases };

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
  const ratio = result.ratio === undefined ? '' : `, ${result.other}, ratio ${result.ratio.toFixed(2)}`;
  console.error(`  prox ${result.prox}${ratio}`);
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
