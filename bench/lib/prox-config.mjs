/** A config of prox for a scene; the original in Go reads the same. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AUTH_PATH } from './upstream.mjs';

/** Writes the config. @returns its path */
export function writeConfig(scene) {
  const path = join(scene.folder, 'prox.json5');
  const { accessLog } = scene;
  const logging = { level: 'warn', ...(accessLog === null ? {} : { access_log: accessLog }) };
  const plugins = {
    ...(scene.auth ? { auth: authOf(scene) } : {}),
    ...(scene.gzip ? { gzip: { category: 'compression', gzip_level: 6 } } : {}),
  };
  const any = Object.keys(plugins).length > 0;
  const service = {
    listen: `127.0.0.1:${scene.port}`,
    ...(scene.tls === null ? {} : { tls: true, tls_cert: scene.tls.cert, tls_key: scene.tls.key }),
    ...(any ? { plugins: Object.keys(plugins) } : {}),
    routes: routesOf(scene),
  };
  writeFileSync(path, JSON.stringify({ ...(any ? { plugins } : {}), services: { bench: service }, logging }));
  return path;
}

function authOf({ upstream }) {
  return { category: 'forward_auth', auth_url: `http://127.0.0.1:${upstream}${AUTH_PATH}`, add_headers: ['X-User'] };
}

function routesOf({ upstream, routes, serve, pass, generation, answer, via }) {
  if (answer !== null) return [{ action: { type: 'static', status: 200, body_ref: { text: answer } } }];
  const headers = {
    ...(via === undefined ? {} : { Via: via }),
    ...(generation === null ? {} : { 'X-Generation': String(generation) }),
  };
  const action = {
    type: 'proxy',
    upstream: `127.0.0.1:${upstream}`,
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
  };
  if (routes > 0) {
    return Array.from({ length: routes }, (_, i) => ({ match: { domain: `host${i}.example.com` }, action }));
  }
  if (serve !== null) {
    return [{ match: { path: '/files/*' }, action: { type: 'serve', root: join(serve, 'files') } }, { action }];
  }
  if (pass !== null) {
    const relay = { type: 'pass', upstream: `127.0.0.1:${pass.port}` };
    return [{ match: { domain: pass.name }, action: relay }, { action }];
  }
  return [{ action }];
}
