/** What can be profiled: the config of prox for each case, and its load, which is that of the benchmark. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { folder } from '../lib/folder.mjs';
import { handshakes, PASSED_NAME, webSocketMessages, wrk } from '../lib/load.mjs';
import { listening, LOAD_CORE, start } from '../lib/process.mjs';
import { certificate, servedFolder } from '../lib/upstream.mjs';
import { http2, passed } from './h2load.mjs';

/** Apart from those of the benchmark. */
export const PROX_PORT = 18_400;
const UPSTREAM_PORT = 18_401;
const UPSTREAM_TLS_PORT = 18_402;
const ECHO_PORT = 18_403;

const ROUTES = 10_000;

const plain = `http://127.0.0.1:${PROX_PORT}`;
const secure = `https://127.0.0.1:${PROX_PORT}`;

/**
 * @typedef {object} Case
 * @property {string} [unit] of work; a request when left out
 * @property {boolean} [tls]
 * @property {boolean} [accessLog]
 * @property {boolean} [auth] the upstream is asked about each request
 * @property {() => object[]} [routes] instead of one that proxies everything
 * @property {number} [upstream] port
 * @property {(seconds: number, node: string) => Promise<{ done: number }>} load
 */

/** @type {Record<string, Case>} */
export const CASES = {
  'keep-alive': { load: (seconds) => wrk(plain, seconds) },
  'keep-alive-16k': { load: (seconds) => wrk(plain, seconds, { folder: '/files/16k' }) },
  'body-1m': { load: (seconds) => wrk(plain, seconds, { folder: '/files/1m' }) },
  'post-16k': { load: (seconds) => wrk(plain, seconds, { method: 'POST', body: 16_384 }) },
  'access-log': { accessLog: true, load: (seconds) => wrk(plain, seconds) },
  'forward-auth': { auth: true, load: (seconds) => wrk(plain, seconds) },
  'new-connections': { load: (seconds) => wrk(plain, seconds, { close: true }) },
  'https-keep-alive': { tls: true, load: (seconds) => wrk(secure, seconds) },
  'https-handshakes': { tls: true, unit: 'handshake', load: (seconds) => handshakes(new URL(secure).host, seconds) },
  h2: { tls: true, load: (seconds) => http2(secure, seconds) },
  'l4-pass': {
    tls: true,
    unit: 'transfer',
    routes: () => [
      { match: { domain: PASSED_NAME }, action: { type: 'pass', upstream: `127.0.0.1:${UPSTREAM_TLS_PORT}` } },
    ],
    load: (seconds) => passed(PROX_PORT, '/files/1m/0', seconds),
  },
  websocket: {
    unit: 'message',
    upstream: ECHO_PORT,
    load: (seconds, node) => webSocketMessages(node, PROX_PORT, seconds),
  },
  'routes-10k': { routes: manyRoutes, load: (seconds) => wrk(plain, seconds, { hosts: ROUTES }) },
  'serve-4k': { routes: served, load: (seconds) => wrk(plain, seconds, { folder: '/files/4k' }) },
  'serve-1m': { routes: served, load: (seconds) => wrk(plain, seconds, { folder: '/files/1m' }) },
};

/** Writes the config of a case. @param {Case} wanted @returns {string} its path */
export function writeConfig({ tls = false, accessLog = false, auth = false, routes, upstream = UPSTREAM_PORT }) {
  const path = join(folder, 'prox.json5');
  const { cert, key } = certificate();
  const service = {
    listen: `127.0.0.1:${PROX_PORT}`,
    ...(tls ? { tls: true, tls_cert: cert, tls_key: key } : {}),
    ...(auth ? { plugins: ['auth'] } : {}),
    routes: routes?.() ?? [{ action: proxyTo(upstream) }],
  };
  const logging = { level: 'warn', ...(accessLog ? { access_log: join(folder, 'prox-access.log') } : {}) };
  const asking = { category: 'forward_auth', auth_url: `http://127.0.0.1:${upstream}/auth`, add_headers: ['X-User'] };
  const plugins = auth ? { plugins: { auth: asking } } : {};
  writeFileSync(path, JSON.stringify({ ...plugins, services: { profile: service }, logging }));
  return path;
}

/** Starts what prox stands in front of, on the core of the load. @param {string} node runs the WebSocket server */
export async function startUpstreams(node) {
  const { cert, key } = certificate();
  const path = join(folder, 'profile-upstream.conf');
  writeFileSync(
    path,
    `daemon off; master_process off; worker_processes 1;
pid ${folder}/profile-upstream.pid; error_log ${folder}/profile-upstream.err;
events { worker_connections 20000; }
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on;
  client_body_buffer_size 64k; client_max_body_size 8m; open_file_cache max=1000;
  server { listen 127.0.0.1:${UPSTREAM_PORT} backlog=16384; listen 127.0.0.1:${UPSTREAM_TLS_PORT} ssl backlog=16384;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${servedFolder()};
    location / { return 200 "ok"; } location /files/ { } } }`,
  );
  const echo = join(import.meta.dirname, '../lib/websocket-echo.mjs');
  const nginx = start(LOAD_CORE, 'nginx', ['-c', path]);
  const sockets = start(LOAD_CORE, node, [echo, String(ECHO_PORT)]);
  await listening(UPSTREAM_PORT, nginx);
  await listening(ECHO_PORT, sockets);
  return [nginx, sockets];
}

function proxyTo(port) {
  return { type: 'proxy', upstream: `127.0.0.1:${port}` };
}

function manyRoutes() {
  const action = proxyTo(UPSTREAM_PORT);
  return Array.from({ length: ROUTES }, (_, i) => ({ match: { domain: `host${i}.example.com` }, action }));
}

function served() {
  return [{ match: { path: '/files/*' }, action: { type: 'serve', root: join(servedFolder(), 'files') } }];
}
