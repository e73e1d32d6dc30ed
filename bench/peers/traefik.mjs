import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { goProgram } from '../lib/go-programs.mjs';

export default {
  name: 'traefik',
  title: 'Traefik',
  order: 4,
  kind: 'go',
  can: ['tls', 'h2', 'access-log', 'routes', 'pass', 'websocket', 'reload'],
  cannot: { serve: 'serves no files' },
  async version(options) {
    return `Traefik ${(await goProgram('traefik', options)).version}`;
  },
  async start(scene, launch) {
    const path = join(scene.folder, 'traefik.yml');
    const dynamic = join(scene.folder, 'dynamic.yml');
    // JSON is YAML.
    writeFileSync(dynamic, JSON.stringify(dynamicConfig(scene)));
    writeFileSync(path, JSON.stringify(staticConfig(scene, dynamic)));
    const { path: program } = await goProgram('traefik');
    return {
      process: launch(program, [`--configFile=${path}`]),
      reload(generation) {
        writeFileSync(dynamic, JSON.stringify(dynamicConfig({ ...scene, generation })));
      },
    };
  },
};

function staticConfig({ port, accessLog, generation }, dynamic) {
  return {
    global: { checkNewVersion: false, sendAnonymousUsage: false },
    log: { level: 'ERROR' },
    entryPoints: { bench: { address: `127.0.0.1:${port}` } },
    // The default of 200 idle connections would do; said here as for the others.
    serversTransport: { maxIdleConnsPerHost: 1024 },
    providers: { file: { filename: dynamic, watch: generation !== null } },
    ...(accessLog === null ? {} : { accessLog: { filePath: accessLog, format: 'json', bufferingSize: 100 } }),
  };
}

function dynamicConfig({ upstream, tls, routes, pass, generation }) {
  const certificates = tls === null ? [] : [{ certFile: tls.cert, keyFile: tls.key }];
  const stores = { default: { defaultCertificate: certificates[0] } };
  if (pass !== null) {
    const relay = {
      rule: `HostSNI(\`${pass.name}\`)`,
      service: 'up',
      entryPoints: ['bench'],
      tls: { passthrough: true },
    };
    return {
      tcp: {
        routers: { pass: relay },
        services: { up: { loadBalancer: { servers: [{ address: `127.0.0.1:${pass.port}` }] } } },
      },
    };
  }
  const router = (rule) => ({
    rule,
    service: 'up',
    entryPoints: ['bench'],
    middlewares: ['fields'],
    ...(tls === null ? {} : { tls: {} }),
  });
  const routers =
    routes === 0
      ? { all: router('PathPrefix(`/`)') }
      : Object.fromEntries(
          Array.from({ length: routes }, (_, i) => [`r${i}`, router(`Host(\`host${i}.example.com\`)`)]),
        );
  const fields = { Via: '1.1 traefik', ...(generation === null ? {} : { 'X-Generation': String(generation) }) };
  return {
    http: {
      routers,
      middlewares: { fields: { headers: { customRequestHeaders: fields } } },
      services: { up: { loadBalancer: { servers: [{ url: `http://127.0.0.1:${upstream}` }], passHostHeader: false } } },
    },
    ...(tls === null ? {} : { tls: { certificates, stores } }),
  };
}
