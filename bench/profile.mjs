/** Profiles prox under the load of a case; see bench/profile.sh. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, join, relative } from 'node:path';
import { parseArgs } from 'node:util';

import { folder } from './lib/folder.mjs';
import { mainNode, nodeOf } from './lib/nodes.mjs';
import { cpuOf, listening, PROXY_CORE, start, stop } from './lib/process.mjs';
import { load, ROOT } from './micro/compare/bundle.mjs';
import { CASES, PROX_PORT, startUpstreams, writeConfig } from './profile/cases.mjs';

const PROFILES = join(ROOT, 'bench/profiles');
const SECONDS = 5;
/** Of load before what counts: optimised code stands, and connections to the upstream are open. */
const WARM_UP_SECONDS = 1;
/** Microseconds between samples: each costs some itself, and fewer would miss small functions. */
const INTERVAL = 200;
/** Samples a second of perf. */
const PERF_RATE = 2000;
/** Milliseconds that prox may take to end and to write its profile. */
const END_MS = 20_000;
/** Seconds beyond its time that a load generator may take: one that hangs must not hold the command for ever. */
const LOAD_GRACE_SECONDS = 20;

/** libuv calls back within its poll phase, all of which Node tells V8 to take for idle until JavaScript is entered. */
const CAVEAT =
  "What V8 takes for idle is left out, though it uses CPU: libuv's polling and reading, and threads. --perf shows it.";

const HELP = `bench/profile.sh CASE [--node LINE] [--seconds N] [--perf] [--bundle FILE]

  --node LINE     20, 24 or 26 (default: 24 when runtimes/ has it)
  --seconds N     of load that counts (default ${SECONDS})
  --perf          then also without the profiler, by perf: kernel, C++, V8's builtins, compiled JavaScript, libc
  --bundle FILE   a bundle of prox that stands already, with its source map; built otherwise

Writes into bench/profiles/, which git ignores:
  CASE-nodeLINE.cpuprofile   for the DevTools of Chromium, or an editor
  CASE-nodeLINE.folded       stacks for flame graphs, a line each
  CASE-nodeLINE.txt          what is printed: self time in µs a request, functions and groups; idle time is left out

Cases: ${Object.keys(CASES).join(', ')}`;

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`bench/profile.sh: ${error.message}`);
  process.exit(1);
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      node: { type: 'string' },
      seconds: { type: 'string', default: String(SECONDS) },
      perf: { type: 'boolean', default: false },
      bundle: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(HELP);
  const [name] = positionals;
  if (positionals.length !== 1 || !Object.hasOwn(CASES, name)) {
    throw new Error(`one of these cases, please: ${Object.keys(CASES).join(', ')}`);
  }
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) throw new Error('--seconds is a whole number above 0');
  const { path: node, version } = values.node === undefined ? mainNode() : nodeOf(values.node);
  const run = { name, ...CASES[name], node, version, seconds, bundle: values.bundle ?? build() };
  const output = join(PROFILES, `${name}-node${/\d+/.exec(version)[0]}`);
  mkdirSync(PROFILES, { recursive: true });

  if (values.perf) requirePerf();
  const upstreams = await startUpstreams(node);
  const texts = [await profile(run, output)];
  if (values.perf) texts.push(await perf(run));
  for (const child of upstreams) await stop(child);
  writeFileSync(`${output}.txt`, `${texts.join('\n\n')}\n`);
  console.log(texts.join('\n\n'));
  console.error(`\n${relative(process.cwd(), output)}.{cpuprofile,folded,txt}`);
}

function requirePerf() {
  try {
    execFileSync('perf', ['--version'], { stdio: 'ignore' });
  } catch (error) {
    throw new Error('perf is not here (Debian: linux-perf)', { cause: error });
  }
}

function build() {
  const out = join(folder, 'prox.mjs');
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), '--out', out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return out;
}

/** Runs the load under V8's profiler. @returns {Promise<string>} the top list */
async function profile(run, output) {
  const { foldProfile, collapsed } = await load('bench/profile/fold.ts');
  const { topList } = await load('bench/profile/top-list.ts');
  const flags = ['--cpu-prof', `--cpu-prof-interval=${INTERVAL}`, `--cpu-prof-dir=${PROFILES}`];
  const prox = await startProx(run, [...flags, `--cpu-prof-name=${basename(output)}.cpuprofile`]);
  const { done, from, to, cpu } = await measure(run, prox);
  await end(prox);

  const recorded = JSON.parse(readFileSync(`${output}.cpuprofile`, 'utf8'));
  const folded = foldProfile(recorded, { from, to, bundle: basename(run.bundle), locate: locator(run.bundle) });
  writeFileSync(`${output}.folded`, collapsed(folded.stacks));
  const unit = run.unit ?? 'request';
  const busy = `busy for ${(folded.busy / done).toFixed(1)} µs each, ${share(folded.busy, to - from)} of the time`;
  const head = `${run.name}, Node ${run.version}, under the profiler: ${done} ${unit}s in ${((to - from) / 1e6).toFixed(1)} s; CPU ${figures(cpu)} each; the main thread ${busy}\n${CAVEAT}`;
  return `${head}\n\n${topList(folded, done, unit)}`;
}

/** Runs the load once more, watched by perf alone. @returns {Promise<string>} what kinds of code it saw */
async function perf(run) {
  const { perfTable, splitPerf } = await load('bench/profile/perf-split.ts');
  const data = join(folder, 'perf.data');
  const prox = await startProx(run, []);
  const event = ['-e', 'cpu-clock', '-F', String(PERF_RATE)];
  const { done, cpu } = await measure(run, prox, () => {
    const recorder = spawn('perf', ['record', ...event, '-p', String(prox.pid), '-o', data], { stdio: 'ignore' });
    const ended = new Promise((resolve, reject) => recorder.once('error', reject).once('close', resolve));
    // Awaited below; until then no code handles a failure.
    ended.catch(() => {});
    return () => {
      recorder.kill('SIGINT');
      return ended;
    };
  });
  await end(prox);
  const script = execFileSync('perf', ['script', '-F', 'ip,sym,dso', '-i', data], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const unit = run.unit ?? 'request';
  const head = `${run.name}, Node ${run.version}, by perf: ${done} ${unit}s; CPU ${figures(cpu)} each`;
  return `${head}\n\n${perfTable(splitPerf(script), cpu.user + cpu.system, unit)}`;
}

async function startProx(run, flags) {
  const args = [run.bundle, 'serve', '-config', writeConfig(run), '-watch=false', '-workers=0'];
  const prox = start(PROXY_CORE, run.node, [...flags, ...args]);
  await listening(PROX_PORT, prox);
  return prox;
}

/**
 * Warms up, then applies the load that counts.
 * @param {() => () => Promise<void>} [watch] called before it; what it returns, after it
 * @returns what was done, on the clock of the profile, with CPU time in microseconds a unit of work
 */
async function measure(run, prox, watch) {
  await applyLoad(run, WARM_UP_SECONDS);
  const before = cpuOf(prox.pid);
  const watched = watch?.();
  const from = now();
  const { done } = await applyLoad(run, run.seconds);
  const to = now();
  await watched?.();
  const after = cpuOf(prox.pid);
  const each = (used) => (used * 1e6) / done;
  return { done, from, to, cpu: { user: each(after.user - before.user), system: each(after.system - before.system) } };
}

/** @throws {Error} when the load does not end; its processes end with this one */
async function applyLoad(run, seconds) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    const text = `the load generator of ${run.name} has not ended`;
    timer = setTimeout(() => reject(new Error(text)), (seconds + LOAD_GRACE_SECONDS) * 1000);
  });
  try {
    return await Promise.race([run.load(seconds, run.node), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Microseconds on the monotonic clock, which V8's profiler reads as well. */
function now() {
  return Number(process.hrtime.bigint() / 1000n);
}

async function end(prox) {
  const gone = new Promise((resolve) => prox.once('exit', resolve));
  prox.kill('SIGTERM');
  const timer = setTimeout(() => prox.kill('SIGKILL'), END_MS);
  const code = await gone;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`prox ended with ${code ?? 'a signal'}`);
}

/** Where a place of the bundle stands in the sources; nowhere without a source map beside it. */
function locator(bundle) {
  let map;
  try {
    map = new SourceMap(JSON.parse(readFileSync(`${bundle}.map`, 'utf8')));
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    console.error(`${bundle}.map is missing: functions stand with the bundle's name`);
    return () => null;
  }
  return (line, column) => {
    const { originalSource, originalLine } = map.findEntry(line, column);
    return originalSource === undefined ? null : { source: originalSource, line: originalLine };
  };
}

function figures({ user, system }) {
  return `${(user + system).toFixed(1)} µs (user ${user.toFixed(1)}, system ${system.toFixed(1)})`;
}

function share(part, whole) {
  return `${((100 * part) / whole).toFixed(0)} %`;
}
