import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type NetConnectOpts, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type LogLine, PROX, TestDaemon, webConfig } from '../testing/daemon.ts';
import { NotifySocket } from '../testing/notify-socket.ts';
import { accepts, freePort } from '../testing/ports.ts';
import { restart } from '../testing/restart.ts';
import { eventually } from '../testing/wait.ts';
import { killIfAlive } from '../testing/worker-processes.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const routes = [{ action: { type: 'static', status: 200, body_ref: { text: 'ok' } } }];

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'prox-test-'));
  closers.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

describe('NOTIFY_SOCKET', () => {
  it.each(['path', 'abstract'])('hears of start, reload, restart and end (%s)', async (kind) => {
    const name = join(await folder(), 'notify');
    const socket = await NotifySocket.bind(kind === 'path' ? name : `@${name}`);
    closers.push(() => socket.close());
    const daemon = await TestDaemon.start(webConfig(routes), {
      env: { NOTIFY_SOCKET: socket.address },
      args: ['-watch=false'],
    });
    closers.push(() => daemon.stop());
    await socket.received(new RegExp(`^READY=1 MAINPID=${daemon.pid} STATUS=Serving$`));
    let from = socket.messages.length;
    daemon.signal('SIGHUP');
    const reloading = await socket.received(/^RELOADING=1 MONOTONIC_USEC=\d+ /, from);
    const usec = Number(/USEC=(\d+)/.exec(reloading)?.[1]);
    expect(usec / 1e6).toBeCloseTo(Number(process.hrtime.bigint()) / 1e9, -2);
    await socket.received(/^READY=1 /, from);
    const pid = await restart(daemon, daemon.pid);
    closers.push(async () => killIfAlive(pid));
    await socket.received(new RegExp(`^READY=1 MAINPID=${pid} `));
    // One that has a successor says nothing of an end: the service goes on.
    expect(await daemon.end()).toBe(0);
    expect(socket.messages.filter((line) => line.startsWith('STOPPING=1'))).toEqual([]);
    from = socket.messages.length;
    process.kill(pid, 'SIGTERM');
    await socket.received(/^STOPPING=1 /, from);
  });

  it('costs no more than a warning if systemd cannot be notified', async () => {
    const daemon = await TestDaemon.start(webConfig(routes), {
      env: { NOTIFY_SOCKET: '/nowhere/notify', PATH: '/nowhere' },
      args: ['-watch=false'],
    });
    closers.push(() => daemon.stop());
    const isWarning = ({ msg }: LogLine): boolean =>
      msg === 'systemd cannot be notified of the state of prox; prox continues without notifications';
    await daemon.logged(isWarning);
    daemon.signal('SIGTERM');
    expect(await daemon.end()).toBe(0);
    expect(daemon.log.filter(isWarning)).toHaveLength(1);
  });
});

describe('LISTEN_FDS', () => {
  async function listening(server: Server, where: { port: number; host: string } | { path: string }): Promise<Server> {
    await new Promise<void>((resolve) => server.listen(where, resolve));
    return server;
  }

  /** Starts prox with the sockets of servers of ours. The shell writes LISTEN_PID: it is to be that of prox itself. */
  function activate(configPath: string, workers: number, servers: readonly Server[]): { pid: number; log: LogLine[] } {
    const command = 'LISTEN_PID=$$ exec "$0" "$@"';
    const args = ['-c', command, process.execPath, PROX, 'serve', `-workers=${workers}`, '-config', configPath];
    // Node has no documented way to ask for it, and takes no server in `stdio`, whatever its documentation says.
    const fds = servers.map((server) => (Reflect.get(server, '_handle') as { readonly fd: number }).fd);
    const child = spawn('/bin/sh', args, {
      stdio: ['ignore', 'ignore', 'pipe', ...fds],
      env: { ...process.env, LISTEN_FDS: String(servers.length), LISTEN_FDNAMES: 'first:second:third' },
    });
    const log: LogLine[] = [];
    let text = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.lastIndexOf('\n') + 1;
      for (const line of text.slice(0, end).split('\n'))
        if (line.startsWith('{')) log.push(JSON.parse(line) as LogLine);
      text = text.slice(end);
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    closers.push(async () => {
      killIfAlive(child.pid as number);
      await ended;
    });
    return { pid: child.pid as number, log };
  }

  it.each([0, 2])('are matched by their addresses, and the others closed (%d workers)', async (workers) => {
    const path = await folder();
    const [port, unused] = [await freePort(), await freePort()];
    const unix = join(path, 'w.sock');
    const servers = [
      await listening(createServer(), { port, host: '127.0.0.1' }),
      await listening(createServer(), { path: unix }),
      await listening(createServer(), { port: unused, host: '127.0.0.1' }),
    ];
    const configPath = join(path, 'prox.json5');
    const services = {
      web: { listen: `127.0.0.1:${port}`, routes },
      local: { listen: `unix://${unix}`, routes },
    };
    await writeFile(configPath, JSON.stringify({ services }));
    const prox = activate(configPath, workers, servers);
    // From here on, prox alone has them. Node removes a unix socket as it closes it, so that is out of the way then.
    await rename(unix, `${unix}.kept`);
    for (const server of servers) server.close();
    await rename(`${unix}.kept`, unix);
    await eventually('prox to be ready', () => prox.log.some(({ msg }) => msg === 'ready'));
    expect(prox.log.filter(({ level }) => level !== 'info')).toEqual([
      expect.objectContaining({
        msg: 'no service listens on a socket of the service manager; it is closed',
        name: 'third',
        address: `127.0.0.1:${unused}`,
      }),
    ]);
    expect(await served({ port, host: '127.0.0.1' })).toBe(true);
    expect(await served({ path: unix })).toBe(true);
    expect(await accepts(unused)).toBe(false);
    process.kill(prox.pid, 'SIGTERM');
    await eventually('prox to stop', () => prox.log.some(({ msg }) => msg === 'stopped'));
    // It belongs to the service manager.
    expect(existsSync(unix)).toBe(true);
  });

  function served(where: NetConnectOpts): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const socket = connect(where, () => socket.end('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.on('error', reject);
      socket.on('close', () => resolve(text.startsWith('HTTP/1.1 200')));
    });
  }
});
