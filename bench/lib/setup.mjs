/** The upstream and the proxies under comparison, each on a port of the loopback interface. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PASSED_NAME } from './load.mjs';
import { listening, LOAD_CORE, PROXY_CORE, start } from './process.mjs';

export const UPSTREAM_PORT = 18_190;
export const NGINX_PORT = 18_181;
export const PROX_PORT = 18_180;
export const PROX_TLS_PORT = 18_184;
export const NGINX_TLS_PORT = 18_182;
export const HAPROXY_PORT = 18_183;
export const UPSTREAM_TLS_PORT = 18_191;

const PROX = fileURLToPath(new URL('../../dist/prox.mjs', import.meta.url));

/** A folder for configs, logs and served files. */
export const folder = mkdtempSync(join(tmpdir(), 'prox-bench-'));

const NGINX_COMMON = (name) => `daemon off; master_process off; worker_processes 1;
pid ${folder}/${name}.pid; error_log ${folder}/${name}.err;
events { worker_connections 20000; }`;

/** Paths of a self-signed P-256 certificate for localhost and its key, made when first asked for. */
export function certificate() {
  const [cert, key] = [join(folder, 'localhost.crt'), join(folder, 'localhost.key')];
  if (!existsSync(cert)) {
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
    execFileSync('openssl', ['req', '-x509', ...kind, ...names, '-out', cert, '-keyout', key], { stdio: 'ignore' });
  }
  return { cert, key };
}

/** nginx that answers 2 bytes, 16 KiB or 1 MiB. */
export async function startUpstream() {
  mkdirSync(join(folder, 'files'), { recursive: true });
  writeFileSync(join(folder, 'files/16k'), Buffer.alloc(16_384, 'x'));
  writeFileSync(join(folder, 'files/1m'), Buffer.alloc(1_048_576, 'x'));
  const { cert, key } = certificate();
  const config = `${NGINX_COMMON('upstream')}
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on;
  server { listen 127.0.0.1:${UPSTREAM_PORT} backlog=4096; listen 127.0.0.1:${UPSTREAM_TLS_PORT} ssl backlog=4096;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${cert}; ssl_certificate_key ${key}; root ${folder}; location = / { return 200 "ok"; } location /files/ { } } }`;
  return nginx('upstream', config, LOAD_CORE, UPSTREAM_PORT);
}

/** nginx as a proxy that adds the same fields as prox. @param accessLog whether it writes one */
export async function startNginx({ accessLog = false } = {}) {
  const log = accessLog ? `access_log ${folder}/nginx-access.log combined buffer=32k flush=1s;` : 'access_log off;';
  const { cert, key } = certificate();
  const config = `${NGINX_COMMON('nginx')}
http { ${log} keepalive_requests 1000000000;
  upstream up { server 127.0.0.1:${UPSTREAM_PORT}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${NGINX_PORT} backlog=4096; listen 127.0.0.1:${NGINX_TLS_PORT} ssl http2 backlog=4096;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${cert}; ssl_certificate_key ${key}; location / {
    proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Via "1.1 nginx"; } } }`;
  return nginx('nginx', config, PROXY_CORE, NGINX_PORT);
}

/** HAProxy that relays TCP to the TLS port of the upstream. */
export async function startHaproxy() {
  const path = join(folder, 'haproxy.cfg');
  const config = `global
  maxconn 4000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen pass
  bind 127.0.0.1:${HAPROXY_PORT}
  server up 127.0.0.1:${UPSTREAM_TLS_PORT}
`;
  writeFileSync(path, config);
  const child = start(PROXY_CORE, 'haproxy', ['-db', '-f', path]);
  await listening(HAPROXY_PORT);
  return child;
}

/** prox in one process. @param routes further routes before the one that proxies everything */
export async function startProx({ routes = [], accessLog = false, tls = false, upstream = UPSTREAM_PORT } = {}) {
  const service = {
    listen: `127.0.0.1:${PROX_PORT}`,
    ...(tls ? tlsSettings() : {}),
    routes: [...routes, { action: { type: 'proxy', upstream: `127.0.0.1:${upstream}` } }],
  };
  return prox({ bench: service }, accessLog ? { access_log: './prox-access.log' } : {}, 0, PROXY_CORE);
}

/** prox with worker processes on every core: plain on one port, TLS and pass on the other. */
export async function startSoaked(workers) {
  const route = { action: { type: 'proxy', upstream: `127.0.0.1:${UPSTREAM_PORT}` } };
  const pass = {
    match: { domain: PASSED_NAME },
    action: { type: 'pass', upstream: `127.0.0.1:${UPSTREAM_TLS_PORT}` },
  };
  const services = {
    plain: { listen: `127.0.0.1:${PROX_PORT}`, routes: [route] },
    tls: { listen: `127.0.0.1:${PROX_TLS_PORT}`, ...tlsSettings(), routes: [pass, route] },
  };
  return prox(
    services,
    { access_log: './prox-access.log', rotate: { size: '64mb', keep: 1 } },
    workers,
    `${PROXY_CORE},${LOAD_CORE}`,
  );
}

/** prox with worker processes on every core, which answer with a template. */
export async function startWorkers(workers, template) {
  const action = { type: 'static', status: 200, body_ref: { text: template } };
  const service = { listen: `127.0.0.1:${PROX_PORT}`, routes: [{ action }] };
  return prox({ bench: service }, {}, workers, `${PROXY_CORE},${LOAD_CORE}`);
}

function tlsSettings() {
  const { cert, key } = certificate();
  return { tls: true, tls_cert: cert, tls_key: key };
}

async function prox(services, logging, workers, cores) {
  const path = join(folder, 'prox.json5');
  writeFileSync(path, JSON.stringify({ services, logging: { level: 'warn', ...logging } }));
  const args = [PROX, 'serve', '-config', path, '-watch=false', `-workers=${workers}`];
  const child = start(cores, process.execPath, args);
  await listening(PROX_PORT);
  return child;
}

async function nginx(name, config, core, port) {
  const path = join(folder, `${name}.conf`);
  writeFileSync(path, config);
  const child = start(core, 'nginx', ['-c', path]);
  await listening(port);
  return child;
}
