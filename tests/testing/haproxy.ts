import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { eventually } from './health.ts';
import { accepts, freePort } from './ports.ts';

/** A real HAProxy in TCP mode in front of one server. It must be installed; without it the test fails. */
export class Haproxy {
  readonly port: number;
  private readonly process: ChildProcess;
  private readonly folder: string;

  private constructor(port: number, process: ChildProcess, folder: string) {
    this.port = port;
    this.process = process;
    this.folder = folder;
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
    // Debian keeps servers where the path of an ordinary user does not look.
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` };
    const child = spawn('haproxy', ['-q', '-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'inherit', env });
    child.once('error', () => {
      // `accepts` fails then, and says so.
    });
    await eventually(() => accepts(port), 'haproxy to listen: is it installed?');
    return new Haproxy(port, child, folder);
  }

  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'exit');
    await rm(this.folder, { recursive: true, force: true });
  }
}
