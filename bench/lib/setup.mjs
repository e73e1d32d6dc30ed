/** prox with workers on every core and all kinds of traffic; see bench/soak.mjs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder } from './folder.mjs';
import { PASSED_NAME } from './load.mjs';
import { listening, LOAD_CORE, PROXY_CORE, start } from './process.mjs';
import { certificate, UPSTREAM_PORT, UPSTREAM_TLS_PORT } from './upstream.mjs';

export const PROX_PORT = 18_390;
export const PROX_TLS_PORT = 18_391;

const PROX = fileURLToPath(new URL('../../dist/prox.mjs', import.meta.url));

/** Starts it: plain on one port, TLS and pass on the other. */
export async function startSoaked(workers) {
  const { cert, key } = certificate();
  const route = { action: { type: 'proxy', upstream: `127.0.0.1:${UPSTREAM_PORT}` } };
  const pass = {
    match: { domain: PASSED_NAME },
    action: { type: 'pass', upstream: `127.0.0.1:${UPSTREAM_TLS_PORT}` },
  };
  const services = {
    plain: { listen: `127.0.0.1:${PROX_PORT}`, routes: [route] },
    tls: { listen: `127.0.0.1:${PROX_TLS_PORT}`, tls: true, tls_cert: cert, tls_key: key, routes: [pass, route] },
  };
  const logging = { level: 'warn', access_log: './prox-access.log', rotate: { size: '64mb', keep: 1 } };
  const path = join(folder, 'prox.json5');
  writeFileSync(path, JSON.stringify({ services, logging }));
  const args = [PROX, 'serve', '-config', path, '-watch=false', `-workers=${workers}`];
  const child = start(`${PROXY_CORE},${LOAD_CORE}`, process.execPath, args);
  await listening(PROX_PORT, child);
  return child;
}
