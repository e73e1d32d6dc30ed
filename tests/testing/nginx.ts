import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './ports.ts';
import { ServerProcess } from './server-process.ts';

/** A real nginx with a config of its own, as an upstream. */
export class Nginx {
  readonly port: number;
  private readonly server: ServerProcess;

  private constructor(port: number, server: ServerProcess) {
    this.port = port;
    this.server = server;
  }

  /**
   * @param locations what stands inside of its `server` block
   * @param listen what stands behind the address: `http2`, `ssl`, `proxy_protocol`
   */
  static async start(locations: string, listen = ''): Promise<Nginx> {
    const folder = await mkdtemp(join(tmpdir(), 'prox-nginx-'));
    const port = await freePort();
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${folder}/${name};`,
    );
    const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
      events { worker_connections 1024; }
      http { access_log off; ${paths.join(' ')} keepalive_requests 1000000;
        server { listen 127.0.0.1:${port} ${listen}; ${locations} } }`;
    await writeFile(join(folder, 'nginx.conf'), config);
    const args = ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')];
    return new Nginx(port, await ServerProcess.start('nginx', args, port, folder));
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
