/**
 * Records the ClientHellos of the TLS clients of this machine, and writes them with what has to be read out of each to
 * internal/tlshello/testdata/client-hellos.json, together with shapes of browsers that are put together by hand.
 *
 *     node scripts/record-client-hellos.mjs
 *
 * What is expected is what the client was asked to offer, never what prox read. A client that is absent keeps the hellos
 * that were recorded of it before. The random parts differ from run to run.
 */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SHAPES } from './client-hello-shapes.mjs';

const FILE = new URL('../internal/tlshello/testdata/client-hellos.json', import.meta.url);

/** Milliseconds: far more than any client needs to send its ClientHello. */
const LIMIT = 20_000;

const TLS12 = [0x0303];
const TLS13 = [0x0304, 0x0303];
const NODES = [process.execPath, ...[24, 26].map((line) => `runtimes/node_modules/node-${line}/bin/node`)];

const profile = mkdtempSync(join(tmpdir(), 'prox-hello-'));
try {
  const before = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : [];
  const recorded = [];
  for (const client of [...opensslClients(), ...curlClients(), ...NODES.flatMap(nodeClients), ...chromiumClients()]) {
    recorded.push(await record(client));
  }
  const fresh = [...recorded, ...SHAPES];
  const kept = before.filter(({ name }) => !fresh.some((hello) => hello.name === name));
  for (const { name } of kept) console.log(`kept: ${name}`);
  const hellos = [...kept, ...fresh].sort((a, b) => (a.name < b.name ? -1 : 1));
  // As the formatter has it: lists of numbers and names on one line.
  const json = JSON.stringify(hellos, null, 2).replaceAll(
    /\[\s+([^\][{}]*?)\s+\]/g,
    (_, list) => `[${list.replaceAll(/,\s+/g, ', ')}]`,
  );
  writeFileSync(FILE, `${json}\n`);
  console.log(`${hellos.length} hellos, ${recorded.length} of them recorded now`);
} finally {
  rmSync(profile, { recursive: true, force: true });
}

/** The first line that a command prints about its version, or null when it is not here. */
function versionOf(command, ...flags) {
  try {
    return execFileSync(command, flags, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0];
  } catch {
    return null;
  }
}

function client(name, command, args, serverName, alpn, versions) {
  return { name, command, args, expected: { serverName, alpn, versions } };
}

function opensslClients() {
  const version = versionOf('openssl', 'version')?.split(' ')[1];
  if (version === undefined) return [];
  const make = (what, flags, ...expected) =>
    client(
      `OpenSSL ${version}: ${what}`,
      'openssl',
      (port) => ['s_client', '-connect', `127.0.0.1:${port}`, '-min_protocol', 'TLSv1.2', ...flags],
      ...expected,
    );
  const both = ['-servername', 'Open.Example.com', '-alpn', 'h2,http/1.1'];
  return [
    make('name and ALPN', both, 'open.example.com', ['h2', 'http/1.1'], TLS13),
    make('no name', ['-noservername'], null, [], TLS13),
    make('TLS 1.2', ['-tls1_2', ...both], 'open.example.com', ['h2', 'http/1.1'], TLS12),
  ];
}

function curlClients() {
  const version = versionOf('curl', '--version')?.split(' ')[1];
  if (version === undefined) return [];
  const make = (what, flags, ...expected) =>
    client(
      `curl ${version}: ${what}`,
      'curl',
      (port) => ['-sk', '--tlsv1.2', '--noproxy', '*', ...flags.map((flag) => flag.replace('PORT', port))],
      ...expected,
    );
  const named = ['--resolve', 'curl.example:PORT:127.0.0.1', 'https://curl.example:PORT/'];
  return [
    make('HTTP/2', ['--http2', ...named], 'curl.example', ['h2', 'http/1.1'], TLS13),
    make('HTTP/1.1', ['--http1.1', ...named], 'curl.example', ['http/1.1'], TLS13),
    make('an address, so no name', ['--http1.1', 'https://127.0.0.1:PORT/'], null, ['http/1.1'], TLS13),
  ];
}

function nodeClients(command) {
  const version = versionOf(command, '--version')?.replace(/^v(\d+).*/, '$1');
  if (version === undefined) return [];
  const make = (what, options, ...expected) =>
    client(
      `Node ${version}: ${what}`,
      command,
      (port) => ['-e', `tls.connect({ host: '127.0.0.1', port: ${port}, ...${JSON.stringify(options)} })`],
      ...expected,
    );
  return [
    make('name and ALPN', { servername: 'node.example', ALPNProtocols: ['h2'] }, 'node.example', ['h2'], TLS13),
    make('no name', {}, null, [], TLS13),
    make('TLS 1.2', { servername: 'node.example', maxVersion: 'TLSv1.2' }, 'node.example', [], TLS12),
  ];
}

function chromiumClients() {
  for (const command of ['chromium', 'chromium-browser', 'google-chrome']) {
    const version = versionOf(command, '--version')?.match(/(\d+)\./)?.[1];
    if (version === undefined) continue;
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--ignore-certificate-errors', '--no-proxy-server'];
    const rules = '--host-resolver-rules=MAP chromium.example 127.0.0.1, MAP * ~NOTFOUND';
    const args = (port) => [...flags, rules, `--user-data-dir=${profile}`, `https://chromium.example:${port}/`];
    const alpn = ['h2', 'http/1.1'];
    return [client(`Chromium ${version}`, command, args, 'chromium.example', alpn, TLS13)];
  }
  return [];
}

/** Runs the client against a server that listens to its first record, and ends it. */
async function record({ name, command, args, expected }) {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const limit = AbortSignal.timeout(LIMIT);
  const child = execFile(command, args(String(server.address().port)));
  // The connection is cut in the middle of the handshake, which every client takes for an error of its own kind.
  child.on('error', () => {});
  try {
    const [socket] = await once(server, 'connection', { signal: limit });
    let bytes = Buffer.alloc(0);
    while (bytes.length < 5 || bytes.length < 5 + bytes.readUInt16BE(3)) {
      const [chunk] = await once(socket, 'data', { signal: limit });
      bytes = Buffer.concat([bytes, chunk]);
    }
    socket.on('error', () => {});
    socket.destroy();
    console.log(`${name}: ${bytes.length} bytes`);
    return { name, hex: bytes.toString('hex'), expected };
  } finally {
    child.kill('SIGKILL');
    server.close();
  }
}
