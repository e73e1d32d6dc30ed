import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './ports.ts';
import { ServerProcess } from './server-process.ts';

/** A real HAProxy in TCP mode in front of one server. */
export class Haproxy {
  readonly port: number;
  private readonly server: ServerProcess;

  private constructor(port: number, server: ServerProcess) {
    this.port = port;
    this.server = server;
  }

  /** @param server what stands behind `server up`: an address, and options such as `send-proxy` */
  static async start(server: string): Promise<Haproxy> {
    const folder = await mkdtemp(join(tmpdir(), 'prox-haproxy-'));
    const port = await freePort();
    const config = `global
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen web
  bind 127.0.0.1:${port}
  server up ${server}
`;
    await writeFile(join(folder, 'haproxy.cfg'), config);
    const args = ['-q', '-db', '-f', join(folder, 'haproxy.cfg')];
    return new Haproxy(port, await ServerProcess.start('haproxy', args, port, folder));
  }

  stop(): Promise<void> {
    return this.server.stop();
  }
}
