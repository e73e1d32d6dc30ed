import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandVersion } from '../lib/command-version.mjs';
import { AUTH_PATH } from '../lib/upstream.mjs';

const HTTP2_DIRECTIVE_SINCE = [1, 25, 1];

/**
 * @param {object} described
 * @param {string[]} [described.cases] those that it takes part in: see lib/peers.mjs
 * @param {string} [described.directives] more of them for `http`
 * @returns {import('../lib/peers.mjs').Peer}
 */
export function nginxPeer({ name, title, order, cases, directives = '' }) {
  return {
    name,
    title,
    order,
    kind: 'native',
    beside: cases !== undefined,
    cases,
    can: ['tls', 'h2', 'access-log', 'routes', 'serve', 'websocket', 'reload', 'auth', 'gzip'],
    cannot: { pass: 'the stream module is not part of nginx-light' },
    version() {
      return `nginx ${version().join('.')}`;
    },
    async start(scene, launch) {
      const path = join(scene.folder, 'nginx.conf');
      writeFileSync(path, config(scene, directives));
      const child = launch('nginx', ['-c', path]);
      return {
        process: child,
        reload(generation) {
          writeFileSync(path, config({ ...scene, generation }, directives));
          child.kill('SIGHUP');
        },
      };
    },
  };
}

export default nginxPeer({ name: 'nginx', title: 'nginx', order: 1 });

function version() {
  const text = commandVersion('nginx', ['-v'], /nginx\/([\d.]+)/);
  return text.split('.').map(Number);
}

function config(scene, directives) {
  const { folder, upstream, accessLog, generation, connections } = scene;
  const log = accessLog === null ? 'access_log off;' : `access_log ${accessLog} combined buffer=32k flush=1s;`;
  // A body of 16 KiB does not fit in client_body_buffer_size as it is by default: nginx would write each to a file.
  // With a master only where it is needed, as it takes part in no request.
  const master = generation === null ? 'master_process off; ' : '';
  return `daemon off; ${master}worker_processes 1; user ${user()};
pid ${folder}/nginx.pid; error_log ${folder}/nginx.err; worker_rlimit_nofile ${2 * connections + 1000};
events { worker_connections ${2 * connections + 500}; }
http { ${log} keepalive_requests 1000000000; keepalive_timeout 600s; sendfile on; tcp_nopush on;
  server_names_hash_max_size 65536; server_names_hash_bucket_size 128;
  upstream up { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 1000000000; }
  client_body_buffer_size 64k; ${directives}
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Via "1.1 nginx";
  ${generation === null ? '' : `proxy_set_header X-Generation ${generation};`}
  ${scene.webSocket ? 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";' : ''}
  ${scene.gzip ? GZIP : ''}
  ${servers(scene)} }`;
}

function servers(scene) {
  const { port, tls, routes, serve } = scene;
  const listen = tls === null ? `127.0.0.1:${port}` : `127.0.0.1:${port} ssl${http2InListen() ? ' http2' : ''}`;
  const certificate =
    tls === null
      ? ''
      : `ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key};${http2InListen() ? '' : ' http2 on;'}`;
  const proxy = `location / { ${scene.auth ? ASKING : ''} proxy_pass http://up; } ${scene.auth ? ASKED : ''}`;
  if (routes === 0) {
    const files = serve === null ? '' : `location /files/ { root ${serve}; }`;
    return `server { listen ${listen} backlog=16384; ${certificate} ${files} ${proxy} }`;
  }
  const hosts = Array.from(
    { length: routes },
    (_, i) => `server { listen ${listen}; server_name host${i}.example.com; ${certificate} ${proxy} }`,
  );
  return `server { listen ${listen} default_server backlog=16384; ${certificate} return 404; }\n${hosts.join('\n')}`;
}

/** Whatever Via says, as prox does. */
const GZIP =
  'gzip on; gzip_comp_level 6; gzip_min_length 1024; gzip_proxied any; gzip_vary on; gzip_types application/json;';

/** As forward_auth of prox does: the fields that were set for upstreams are lost where another is. */
const ASKING = `auth_request /ask; auth_request_set $user $upstream_http_x_user; proxy_set_header X-User $user;
  proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header Via "1.1 nginx";`;
const ASKED = `location = /ask { internal; proxy_pass http://up${AUTH_PATH}; proxy_pass_request_body off;
  proxy_set_header Content-Length ""; proxy_set_header Connection "";
  proxy_set_header X-Forwarded-Method $request_method; proxy_set_header X-Forwarded-Uri $request_uri;
  proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme; }`;

/** Before 1.25.1, `http2` is a word of `listen`; since then it is a directive. */
function http2InListen() {
  const [here, since] = [version(), HTTP2_DIRECTIVE_SINCE];
  for (let i = 0; i < since.length; i++) if (here[i] !== since[i]) return here[i] < since[i];
  return false;
}

/** Who the workers run as: they read files of a folder that is this user's alone. */
function user() {
  return execFileSync('id', ['-un'], { encoding: 'utf8' }).trim();
}
