import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandVersion } from '../lib/command-version.mjs';

/**
 * @param {object} described
 * @param {string[]} [described.cases] those that it takes part in: see lib/peers.mjs
 * @param {string} [described.settings] more of them for `global`
 * @returns {import('../lib/peers.mjs').Peer}
 */
export function haproxyPeer({ name, title, order, cases, settings = '' }) {
  return {
    name,
    title,
    order,
    kind: 'native',
    beside: cases !== undefined,
    cases,
    can: ['tls', 'h2', 'access-log', 'routes', 'pass', 'websocket', 'reload'],
    cannot: { serve: 'serves no files' },
    version() {
      return `HAProxy ${commandVersion('haproxy', ['-v'], /version ([^\s-]+)/)}`;
    },
    async start(scene, launch) {
      const path = join(scene.folder, 'haproxy.cfg');
      writeFileSync(path, config(scene, settings));
      // It logs to syslog or to its standard output; a container takes the latter.
      const log = scene.accessLog === null ? 'ignore' : openSync(scene.accessLog, 'a');
      // A master only where a reload is measured.
      const child = launch('haproxy', [scene.generation === null ? '-db' : '-W', '-f', path], { stdout: log });
      if (log !== 'ignore') closeSync(log);
      return {
        process: child,
        reload(generation) {
          writeFileSync(path, config({ ...scene, generation }, settings));
          child.kill('SIGUSR2');
        },
      };
    },
  };
}

export default haproxyPeer({ name: 'haproxy', title: 'HAProxy', order: 2 });

function config(scene, settings) {
  const { pass, accessLog, connections } = scene;
  // It would refuse to start where twice as many files as connections are not allowed; idle connections need one each.
  return `global
  maxconn ${connections}
  nbthread 1
  no strict-limits
  ${settings}
${accessLog === null ? '' : '  log stdout format raw local0\n'}
defaults
  mode ${pass === null ? 'http' : 'tcp'}
${accessLog === null ? '' : '  log global\n  option httplog\n'}
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
${pass === null ? http(scene) : relay(scene)}
`;
}

function relay({ port, pass }) {
  return `listen pass
  bind 127.0.0.1:${port}
  tcp-request inspect-delay 5s
  tcp-request content accept if { req.ssl_hello_type 1 }
  use_backend passed if { req.ssl_sni -i ${pass.name} }
backend passed
  server up 127.0.0.1:${pass.port}`;
}

function http({ folder, port, upstream, tls, routes, generation }) {
  let bind = `127.0.0.1:${port} backlog 16384`;
  if (tls !== null) {
    const pem = join(folder, 'haproxy.pem');
    writeFileSync(pem, `${readFileSync(tls.cert, 'utf8')}${readFileSync(tls.key, 'utf8')}`, { mode: 0o600 });
    bind += ` ssl crt ${pem} alpn h2,http/1.1 ssl-min-ver TLSv1.2`;
  }
  let choice = 'default_backend up';
  if (routes > 0) {
    const map = join(folder, 'hosts.map');
    writeFileSync(map, Array.from({ length: routes }, (_, i) => `host${i}.example.com up\n`).join(''));
    choice = `use_backend %[req.hdr(host),field(1,:),lower,map_str(${map})]`;
  }
  return `frontend bench
  bind ${bind}
  option forwardfor
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto ${tls === null ? 'http' : 'https'}
  http-request add-header Via "1.1 haproxy"
${generation === null ? '' : `  http-request set-header X-Generation ${generation}\n`}  ${choice}
backend up
  http-reuse always
  server up 127.0.0.1:${upstream} pool-max-conn -1`;
}
