/** The proxies written in Go: built once into bench/.peers/, of the versions that bench/peers/versions.mjs pins. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GO_MODULES } from '../peers/versions.mjs';
import { Missing } from './missing.mjs';

const BUILT = fileURLToPath(new URL('../.peers/', import.meta.url));

/** Longer than any of them takes on two slow cores; a download that hangs does not hold the benchmark. */
const BUILD_MS = 20 * 60_000;

const asked = new Map();

/**
 * A proxy's program, built when it is asked for the first time.
 * @param {string} name in GO_MODULES
 * @param {{ build?: boolean }} [options] whether to build it if it is not there yet
 * @returns {Promise<{ path: string, version: string }>}
 * @throws {Missing} when it cannot be had, with what the Go toolchain said
 */
export function goProgram(name, { build = true } = {}) {
  let program = asked.get(name);
  if (program === undefined) {
    program = find(name, build);
    asked.set(name, program);
  }
  return program;
}

async function find(name, build) {
  const pinned = GO_MODULES[name];
  const path = join(BUILT, `${name}-${pinned.version}`);
  if (!existsSync(path)) {
    if (!build) throw new Missing(`not built yet, and --no-go forbids it`);
    console.error(`building ${name} ${pinned.version} with the Go toolchain, which takes minutes, once …`);
    const began = performance.now();
    mkdirSync(BUILT, { recursive: true });
    await (pinned.copied ? buildCopied : install)(pinned, path);
    console.error(`  built after ${Math.round((performance.now() - began) / 1000)} s`);
  }
  return { path, version: pinned.version };
}

async function install({ module, version, package: program }, path) {
  const bin = mkdtempSync(join(BUILT, 'bin-'));
  try {
    await go(['install', `${module}/${program}@${version}`], { env: { ...process.env, GOBIN: bin, CGO_ENABLED: '0' } });
    renameSync(join(bin, basename(program)), path);
  } finally {
    rmSync(bin, { recursive: true, force: true });
  }
}

async function buildCopied({ module, version, package: program }, path) {
  const copy = mkdtempSync(join(tmpdir(), 'prox-bench-go-'));
  try {
    // Outside of any module, as the one around the working directory has no say.
    const { Dir } = JSON.parse(await go(['mod', 'download', '-json', `${module}@${version}`], { cwd: copy }));
    const source = join(copy, 'source');
    cpSync(Dir, source, { recursive: true });
    await run('chmod', ['-R', 'u+w', source], {});
    await go(['build', '-o', `${path}.new`, `./${program}`], {
      cwd: source,
      env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' },
    });
    renameSync(`${path}.new`, path);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function go(args, options) {
  return run('go', args, options);
}

/** @returns what it printed. @throws {Missing} with the lines of its errors that say something */
async function run(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: BUILD_MS });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (errors += chunk));
  const kill = () => child.kill();
  process.on('exit', kill);
  const failure = await new Promise((resolve) => {
    child.once('error', (error) =>
      resolve(error.code === 'ENOENT' ? `no ${command} toolchain in the path` : error.message),
    );
    child.once('close', (code, signal) =>
      resolve(code === 0 ? null : (reason(output, errors) ?? `ended with ${code ?? signal}`)),
    );
  });
  process.off('exit', kill);
  if (failure !== null) throw new Missing(failure);
  return output;
}

/** `go mod download -json` tells its failure as JSON, the others on their standard error after lines of progress. */
function reason(output, errors) {
  const told = /"Error": "(.*)"/.exec(output)?.[1];
  const lines = (told ?? errors).split(/\n|\\n/).filter((line) => line !== '' && !line.startsWith('go: downloading'));
  const first = lines.slice(0, 2).map((line) => line.trim().replace(/^go: /, ''));
  // No address of the proxy that was asked: it says nothing about the module.
  return first.length === 0
    ? null
    : first
        .join(' ')
        .replaceAll(/reading https?:\/\/\S+?: /g, '')
        .slice(0, 300);
}
