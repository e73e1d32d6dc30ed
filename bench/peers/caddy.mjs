import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goProgram } from '../lib/go-programs.mjs';

const VIA = '1.1 caddy';

export default {
  name: 'caddy',
  title: 'Caddy',
  order: 3,
  kind: 'go',
  can: ['tls', 'h2', 'access-log', 'routes', 'serve', 'websocket', 'reload'],
  cannot: { pass: 'relays raw TLS only with a plugin' },
  async version(options) {
    return `Caddy ${(await goProgram('caddy', options)).version}`;
  },
  async start(scene, launch) {
    const path = join(scene.folder, 'caddy.json');
    writeFileSync(path, JSON.stringify(config(scene)));
    const { path: program } = await goProgram('caddy');
    const child = launch(program, ['run', '--config', path], { env: { ...process.env, HOME: scene.folder } });
    return {
      process: child,
      // What `caddy reload` does, without a process more on the machine.
      async reload(generation) {
        const answer = await fetch(`http://127.0.0.1:${scene.adminPort}/load`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', origin: `http://127.0.0.1:${scene.adminPort}` },
          body: JSON.stringify(config({ ...scene, generation })),
        });
        if (!answer.ok) throw new Error(`caddy: POST /load: ${answer.status} ${await answer.text()}`);
      },
    };
  },
};

function config(scene) {
  const { port, adminPort, tls, accessLog, generation } = scene;
  const server = {
    listen: [`127.0.0.1:${port}`],
    automatic_https: { disable: true },
    protocols: ['h1', 'h2'],
    routes: routesOf(scene),
    ...(tls === null ? {} : { tls_connection_policies: [{ default_sni: 'localhost', fallback_sni: 'localhost' }] }),
    ...(accessLog === null ? {} : { logs: { default_logger_name: 'bench' } }),
  };
  const access = {
    writer: { output: 'file', filename: accessLog, roll: false },
    encoder: { format: 'json' },
    include: ['http.log.access.bench'],
    level: 'INFO',
  };
  return {
    admin: generation === null ? { disabled: true } : { listen: `127.0.0.1:${adminPort}`, config: { persist: false } },
    logging: { logs: { default: { level: 'ERROR' }, ...(accessLog === null ? {} : { access }) } },
    apps: {
      http: { servers: { bench: server } },
      ...(tls === null ? {} : { tls: { certificates: { load_files: [{ certificate: tls.cert, key: tls.key }] } } }),
    },
  };
}

function routesOf({ upstream, routes, serve, generation }) {
  const set = { Via: [VIA], ...(generation === null ? {} : { 'X-Generation': [String(generation)] }) };
  const proxy = {
    handler: 'reverse_proxy',
    upstreams: [{ dial: `127.0.0.1:${upstream}` }],
    // The default of 32 idle connections would open new ones all the time.
    transport: { protocol: 'http', keep_alive: { max_idle_conns_per_host: 1024 } },
    headers: { request: { set } },
  };
  if (routes > 0) {
    return Array.from({ length: routes }, (_, i) => ({
      match: [{ host: [`host${i}.example.com`] }],
      handle: [proxy],
      terminal: true,
    }));
  }
  const files = { match: [{ path: ['/files/*'] }], handle: [{ handler: 'file_server', root: serve }], terminal: true };
  return [...(serve === null ? [] : [files]), { handle: [proxy] }];
}
