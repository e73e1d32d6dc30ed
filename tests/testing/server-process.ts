import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';

import { accepts } from './ports.ts';
import { eventually } from './wait.ts';

/** A server of others that a test starts. It must be installed; without it the test fails. */
export class ServerProcess {
  private readonly process: ChildProcess;
  private readonly folder: string;

  private constructor(process: ChildProcess, folder: string) {
    this.process = process;
    this.folder = folder;
  }

  /**
   * Starts a server, and waits until it listens.
   * @param port where it does
   * @param folder of its files, removed by `stop`
   */
  static async start(command: string, args: readonly string[], port: number, folder: string): Promise<ServerProcess> {
    // Debian keeps servers where the path of an ordinary user does not look.
    const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` };
    const child = spawn(command, args, { stdio: 'inherit', env });
    child.once('error', () => {
      // It never listens then, which says so.
    });
    await eventually(`${command} to listen: is it installed?`, () => accepts(port));
    return new ServerProcess(child, folder);
  }

  async stop(): Promise<void> {
    const { process, folder } = this;
    process.kill('SIGKILL');
    if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
    await rm(folder, { recursive: true, force: true });
  }
}
