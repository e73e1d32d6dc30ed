import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from './health.ts';

/** A real nginx with a config of its own, as an upstream. It must be installed; without it the test fails. */
export class Nginx {
  readonly port: number;
  private readonly process: ChildProcess;
  private readonly folder: string;

  private constructor(port: number, process: ChildProcess, folder: string) {
    this.port = port;
    this.process = process;
    this.folder = folder;
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
    const process = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'error.log')], {
      stdio: 'inherit',
    });
    process.once('error', () => {
      // `answers` fails then, and says so.
    });
    await eventually(() => answers(port), 'nginx to listen: is it installed?');
    return new Nginx(port, process, folder);
  }

  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
