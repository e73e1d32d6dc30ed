/**
 * What a plain proxied request allocates on the JavaScript heap, garbage included, beside another commit:
 *
 *     node bench/allocations.mjs [--against REF] [--top N]
 *
 * One daemon at a time without workers, one keep-alive client, an upstream that answers two bytes. Samples are weighted, so
 * that the sum is bytes; it differs by a few bytes a request from run to run.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkOut } from './micro/compare/worktree.mjs';

const REQUESTS = 20_000;
const ROUNDS = 3;
const ROOT = resolve(import.meta.dirname, '..');

const { values } = parseArgs({ options: { against: { type: 'string' }, top: { type: 'string', default: '0' } } });

const upstream = http.createServer((_request, response) => response.writeHead(200, { 'content-length': 2 }).end('ok'));
await new Promise((listening) => upstream.listen(0, '127.0.0.1', listening));
const sides = [{ name: 'working tree', root: ROOT }];
if (values.against !== undefined) {
  const { tree, commit } = checkOut(values.against);
  sides.unshift({ name: commit, root: tree });
}
for (const { root } of sides) execFileSync(process.execPath, ['scripts/build.mjs'], { cwd: root, stdio: 'ignore' });
for (let round = 0; round < ROUNDS; round++) {
  for (const side of sides) (side.rounds ??= []).push(await measure(side.root));
}
for (const { name, rounds } of sides) {
  const sums = rounds.map((functions) => functions.reduce((sum, [, bytes]) => sum + bytes, 0) / REQUESTS);
  console.log(`${name.padEnd(14)} ${sums.map((bytes) => bytes.toFixed(0)).join(' ')} bytes a request`);
  for (const [where, bytes] of rounds[0].sort((a, b) => b[1] - a[1]).slice(0, Number(values.top))) {
    console.log(`    ${(bytes / REQUESTS).toFixed(0).padStart(6)}  ${where}`);
  }
}
upstream.close();
upstream.closeAllConnections();

async function measure(root) {
  const folder = mkdtempSync(join(tmpdir(), 'prox-allocations-'));
  const config = join(folder, 'prox.json5');
  const report = join(folder, 'report.json');
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const action = { type: 'proxy', upstream: `http://127.0.0.1:${upstream.address().port}` };
  writeFileSync(config, JSON.stringify({ services: { web: { listen: `127.0.0.1:${port}`, routes: [{ action }] } } }));
  const daemon = spawn(
    process.execPath,
    ['--import', join(ROOT, 'bench/lib/heap-sampling.mjs'), join(root, 'dist/prox.mjs')].concat([
      'serve',
      `-config=${config}`,
      '-workers=0',
      '-watch=false',
    ]),
    { env: { ...process.env, PROX_ALLOCATIONS: report }, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  try {
    await said(daemon.stderr, '"ready"');
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    await requests(port, agent, REQUESTS / 2);
    daemon.kill('SIGWINCH');
    await requests(port, agent, REQUESTS);
    daemon.kill('SIGWINCH');
    agent.destroy();
    return await eventually(() => JSON.parse(readFileSync(report, 'utf8')));
  } finally {
    daemon.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  }
}

async function requests(port, agent, count) {
  for (let i = 0; i < count; i++) {
    await new Promise((done, failed) => {
      http
        .get({ port, host: '127.0.0.1', agent, path: `/some/path?${i}` }, (response) => {
          response.resume().on('end', done);
        })
        .on('error', failed);
    });
  }
}

function said(stream, text) {
  return new Promise((done) => {
    let all = '';
    stream.on('data', (chunk) => {
      all += chunk;
      if (all.includes(text)) done();
    });
  });
}

async function eventually(read) {
  for (;;) {
    try {
      return read();
    } catch {
      await new Promise((again) => setTimeout(again, 20));
    }
  }
}
