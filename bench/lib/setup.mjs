/** The upstream and the proxies under comparison, each on a port of the loopback interface. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listening, LOAD_CORE, PROXY_CORE, start } from './process.mjs';

export const UPSTREAM_PORT = 18_190;
export const NGINX_PORT = 18_181;
export const PROX_PORT = 18_180;

const PROX = fileURLToPath(new URL('../../dist/prox.mjs', import.meta.url));

/** A folder for configs, logs and served files. */
export const folder = mkdtempSync(join(tmpdir(), 'prox-bench-'));

const NGINX_COMMON = (name) => `daemon off; master_process off; worker_processes 1;
pid ${folder}/${name}.pid; error_log ${folder}/${name}.err;
events { worker_connections 20000; }`;

/** nginx that answers 2 bytes, 16 KiB or 1 MiB. */
export async function startUpstream() {
  mkdirSync(join(folder, 'files'), { recursive: true });
  writeFileSync(join(folder, 'files/16k'), Buffer.alloc(16_384, 'x'));
  writeFileSync(join(folder, 'files/1m'), Buffer.alloc(1_048_576, 'x'));
  const config = `${NGINX_COMMON('upstream')}
http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on;
  server { listen 127.0.0.1:${UPSTREAM_PORT} backlog=4096; root ${folder}; location = / { return 200 "ok"; } location /files/ { } } }`;
  return nginx('upstream', config, LOAD_CORE, UPSTREAM_PORT);
}

/** nginx as a proxy that adds the same fields as prox. @param accessLog whether it writes one */
export async function startNginx({ accessLog = false } = {}) {
  const log = accessLog ? `access_log ${folder}/nginx-access.log combined buffer=32k flush=1s;` : 'access_log off;';
  const config = `${NGINX_COMMON('nginx')}
http { ${log} keepalive_requests 1000000000;
  upstream up { server 127.0.0.1:${UPSTREAM_PORT}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${NGINX_PORT} backlog=4096; location / {
    proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Via "1.1 nginx"; } } }`;
  return nginx('nginx', config, PROXY_CORE, NGINX_PORT);
}

/** prox. @param routes further routes before the one that proxies everything */
export async function startProx({ routes = [], accessLog = false, upstream = UPSTREAM_PORT } = {}) {
  const path = join(folder, 'prox.json5');
  const config = {
    services: {
      bench: {
        listen: `127.0.0.1:${PROX_PORT}`,
        routes: [...routes, { action: { type: 'proxy', upstream: `127.0.0.1:${upstream}` } }],
      },
    },
    logging: { level: 'warn', ...(accessLog ? { access_log: './prox-access.log' } : {}) },
  };
  writeFileSync(path, JSON.stringify(config));
  const child = start(PROXY_CORE, process.execPath, [PROX, 'serve', '-config', path, '-watch=false']);
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
