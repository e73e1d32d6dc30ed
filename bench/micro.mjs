/** Runs the micro-benchmarks; see bench/micro.sh. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { mainNode, nodeOf } from './lib/nodes.mjs';
import { bundle, load, ROOT } from './micro/compare/bundle.mjs';
import { checkOut, fileOf } from './micro/compare/worktree.mjs';

const FOLDER = 'bench/micro';
/** No benchmark; it needs nothing of the sources, so that both sides have that of the working tree. */
const HARNESS = 'harness.ts';
const NAMES = readdirSync(join(ROOT, FOLDER), { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && entry.name !== HARNESS)
  .map(({ name }) => name.slice(0, -'.ts'.length));

/** Processes of each side: what differs between them (memory layout, what was compiled when) is in the spread. */
const ROUNDS = 5;
/** With fewer there is no spread to speak of, and every difference would be marked. */
const LEAST_ROUNDS = 3;
/** Within a process: shorter than alone, as there are more of them. */
const SETTINGS = { PROX_BENCH_ROUND_MS: '25', PROX_BENCH_ROUNDS: '5', PROX_BENCH_WARM_UP_MS: '150' };

const HELP = `bench/micro.sh [NAME...]                  each benchmark in its own process
bench/micro.sh [NAME...] --against [REF]  the working tree beside a commit (default: main), in rounds that alternate

  --rounds N    with --against: processes of each side (default ${ROUNDS})
  --node LINE   20, 24 or 26 (default: 24 when runtimes/ has it)
  --list        the names

Benchmarks: ${NAMES.join(', ')}

A row is CPU time of the whole process, garbage collection included. With --against, the benchmark files of the working
tree run against the sources of both; medians stand with their spread (highest less lowest), and a mark where the
difference exceeds the spread of both sides. The exit status is 0 unless something failed.`;

const folder = mkdtempSync(join(tmpdir(), 'prox-micro-'));
const report = join(folder, 'report');
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

try {
  await main();
} catch (error) {
  console.error(`bench/micro.sh: ${error.message}`);
  process.exit(1);
}

async function main() {
  const { values, positionals } = parseArgs({
    args: withRef(process.argv.slice(2)),
    allowPositionals: true,
    options: {
      against: { type: 'string' },
      rounds: { type: 'string', default: String(ROUNDS) },
      node: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help || values.list) return console.log(values.help ? HELP : NAMES.join('\n'));
  const unknown = positionals.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw new Error(`no such benchmark: ${unknown.join(', ')}; there are ${NAMES.join(', ')}`);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < LEAST_ROUNDS)
    throw new Error(`--rounds is a number from ${LEAST_ROUNDS} on`);
  const names = positionals.length > 0 ? positionals : NAMES;
  const node = (values.node === undefined ? mainNode() : nodeOf(values.node)).path;
  if (values.against === undefined) await runAll(names, node);
  else await compareAll(names, node, values.against, rounds);
}

/** `--against` without a commit means main: the name of a benchmark behind it is a benchmark. */
function withRef(args) {
  return args.map((arg, at) => {
    const next = args[at + 1];
    return arg === '--against' && (next === undefined || next.startsWith('-') || NAMES.includes(next))
      ? '--against=main'
      : arg;
  });
}

async function runAll(names, node) {
  for (const name of names) {
    console.log(`\n${name}`);
    await run(node, await bundle(ROOT, `${FOLDER}/${name}.ts`), { stdio: ['ignore', 'inherit', 'inherit'] });
  }
}

async function compareAll(names, node, ref, rounds) {
  const { compare, comparisonTable } = await load('bench/micro/compare/comparison.ts');
  const { tree, commit } = checkOut(ref);
  console.log(`before: ${ref} (${commit}), after: the working tree; ${rounds} processes of each, alternating`);
  for (const name of names) {
    console.log(`\n${name}`);
    const after = await bundle(ROOT, `${FOLDER}/${name}.ts`);
    const before = await bundleBefore(name, node, tree, commit);
    if (before === null) continue;
    const sides = { before: new Map(), after: new Map() };
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 === 0 ? ['before', 'after'] : ['after', 'before'];
      for (const side of order) collect(sides[side], await measure(node, side === 'before' ? before : after));
    }
    const rows = compare(sides.before, sides.after);
    if (rows.every(({ ratio }) => Number.isNaN(ratio))) console.log('not comparable: the two have no row in common');
    console.log(comparisonTable(rows));
  }
}

/**
 * The benchmark of the working tree against the sources of the other commit; where these have another face, the
 * benchmark of that commit.
 * @returns {Promise<string | null>} the bundle; null when there is nothing to compare with
 */
async function bundleBefore(name, node, tree, commit) {
  const path = `${FOLDER}/${name}.ts`;
  cpSync(join(ROOT, FOLDER), join(tree, FOLDER), { recursive: true });
  const reason = await unfit(node, tree, path);
  if (reason === null) return bundle(tree, path);
  const theirs = fileOf(commit, path);
  if (theirs === null) {
    console.log(`not comparable: ${commit} has no such benchmark, and that of the working tree fails on it: ${reason}`);
    return null;
  }
  writeFileSync(join(tree, path), theirs);
  const worse = await unfit(node, tree, path);
  if (worse !== null) {
    console.log(`not comparable: neither benchmark runs on ${commit}: ${reason}; its own: ${worse}`);
    return null;
  }
  console.log(`before by its own benchmark file, as that of the working tree fails on it: ${reason}`);
  console.log('rows are compared by their names alone: see that they measure the same');
  return bundle(tree, path);
}

/** Why a benchmark does not compile or run, or null. A face that has changed may show only when it is called. */
async function unfit(node, tree, path) {
  try {
    const quick = { PROX_BENCH_ROUND_MS: '1', PROX_BENCH_ROUNDS: '1', PROX_BENCH_WARM_UP_MS: '1' };
    await run(node, await bundle(tree, path), { stdio: ['ignore', 'ignore', 'pipe'], env: quick });
    return null;
  } catch (error) {
    return error.message.split('\n').find((line) => /error|:\d+:/i.test(line)) ?? error.message;
  }
}

/** @returns {Promise<{ name: string, cpu: number }[]>} the rows that a process has measured */
async function measure(node, file) {
  rmSync(report, { force: true });
  const env = { ...SETTINGS, PROX_BENCH_REPORT: report };
  await run(node, file, { stdio: ['ignore', 'ignore', 'pipe'], env });
  if (!existsSync(report)) throw new Error(`${file} has measured nothing`);
  return readFileSync(report, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function collect(samples, rows) {
  for (const { name, cpu } of rows) samples.set(name, [...(samples.get(name) ?? []), cpu]);
}

/** Runs a benchmark to its end. @throws {Error} with what it wrote, when it fails */
async function run(node, file, { stdio, env = {} }) {
  const child = spawn(node, ['--expose-gc', file], { stdio, env: { ...process.env, ...env } });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  let output = '';
  child.stderr?.on('data', (chunk) => (output += chunk));
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...how) => resolve(how));
  });
  process.off('exit', kill);
  if (code !== 0) throw new Error(`${file} ended with ${signal ?? `status ${code}`}\n${output}`);
}
