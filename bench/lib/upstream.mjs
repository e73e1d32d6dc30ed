/** What all proxies stand in front of: nginx on the load's core, and the certificate that they share with it. */
import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder } from './folder.mjs';
import { listening, LOAD_CORE, start, unused } from './process.mjs';

export const UPSTREAM_PORT = 18_300;
export const UPSTREAM_TLS_PORT = 18_301;
export const ECHO_PORT = 18_302;

/** Tells which fields the proxy has added; see verify.mjs. */
export const FIELDS_PATH = '/bench-fields';

/** Says whether a request may pass: any may that has no X-Deny. */
export const AUTH_PATH = '/bench-auth';

/** Bytes of a served file, by the name of its folder. */
export const FILE_SIZES = { '4k': 4096, '16k': 16_384, '1m': 1_048_576 };

/** Where the upstream has JSON, in files of JSON_BYTES. */
export const JSON_PATH = '/json';
export const JSON_BYTES = 16_384;

/** Files in each folder, as many as the requests rotate over. */
const FILES = 64;

const ECHO = fileURLToPath(new URL('websocket-echo.mjs', import.meta.url));

/** Paths of a self-signed P-256 certificate for localhost and its key, made when first asked for. */
export function certificate() {
  const [cert, key] = [join(folder, 'localhost.crt'), join(folder, 'localhost.key')];
  if (!existsSync(cert)) {
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,DNS:*.localhost,IP:127.0.0.1'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-out', cert, '-keyout', key], { stdio: 'ignore' });
  }
  return { cert, key };
}

/** The folder whose subfolder `files` has the files of all sizes. */
export function servedFolder() {
  for (const [name, size] of Object.entries(FILE_SIZES)) {
    const files = join(folder, 'files', name);
    if (existsSync(files)) continue;
    mkdirSync(files, { recursive: true });
    for (let i = 0; i < FILES; i++) {
      // A megabyte 64 times would only push other things out of the caches.
      if (i > 0 && size > 100_000) linkSync(join(files, '0'), join(files, String(i)));
      else writeFileSync(join(files, String(i)), Buffer.alloc(size, 'x'));
    }
  }
  const json = join(folder, JSON_PATH);
  if (existsSync(json)) return folder;
  mkdirSync(json);
  for (let i = 0; i < FILES; i++) writeFileSync(join(json, String(i)), jsonOf(i));
  return folder;
}

/** A page of orders as an API answers with, cut to its length; the same in each run. It compresses to about a quarter. */
function jsonOf(seed) {
  let state = seed + 1;
  const next = (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const words = 'alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike'.split(' ');
  const word = () => words[next(words.length)];
  const orders = [];
  for (let bytes = 0; bytes < JSON_BYTES; bytes += JSON.stringify(orders.at(-1)).length + 1) {
    const customer = {
      name: `${word()} ${word()}`,
      email: `${word()}${next(1000)}@example.com`,
      active: next(2) === 0,
    };
    const created = new Date(1_763_700_000_000 - next(1e9)).toISOString();
    orders.push({ id: next(1e9), customer, total: next(100_000) / 100, tags: [word(), word()], created });
  }
  return JSON.stringify(orders).slice(0, JSON_BYTES);
}

/** nginx that answers 2 bytes to any path, or a file. */
export async function startUpstream() {
  await unused(UPSTREAM_PORT);
  const { cert, key } = certificate();
  const path = join(folder, 'upstream.conf');
  writeFileSync(
    path,
    `daemon off; master_process off; worker_processes 1;
pid ${folder}/upstream.pid; error_log ${folder}/upstream.err;
events { worker_connections 60000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on;
  client_body_buffer_size 64k; client_max_body_size 8m; open_file_cache max=1000;
  server { listen 127.0.0.1:${UPSTREAM_PORT} backlog=16384; listen 127.0.0.1:${UPSTREAM_TLS_PORT} ssl backlog=16384;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${servedFolder()};
    location / { return 200 "ok"; } location /files/ { } location /json/ { default_type application/json; }
    location = ${AUTH_PATH} { if ($http_x_deny) { return 403; } add_header X-User bench; return 204; }
    location = ${FIELDS_PATH} { default_type application/json; return 200 '{"for":"$http_x_forwarded_for",
      "host":"$http_x_forwarded_host","proto":"$http_x_forwarded_proto","via":"$http_via","generation":"$http_x_generation","user":"$http_x_user"}'; }
  } }`,
  );
  const child = start(LOAD_CORE, 'nginx', ['-c', path]);
  await listening(UPSTREAM_PORT, child);
  return child;
}

/** A server of WebSocket connections that sends every message back. @param {string} node path of the Node to run it */
export async function startEcho(node) {
  await unused(ECHO_PORT);
  const child = start(LOAD_CORE, node, [ECHO, String(ECHO_PORT)]);
  await listening(ECHO_PORT, child);
  return child;
}
