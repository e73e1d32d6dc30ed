import { lookup } from 'node:dns/promises';
import { closeSync, fstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Config, ServiceConfig } from '../../config/index.ts';
import { listenKey } from '../../dataplane/index.ts';
import type { Logger } from '../../logger/index.ts';
import { BoundAddress, handleOf, type ServerHandle } from '../../transport/index.ts';

/** SD_LISTEN_FDS_START of sd_listen_fds(3). */
const FIRST_FD = 3;

/** More sockets than any unit has; a larger number is a mistake, and is ignored. */
const MAX_FDS = 1024;

/** A socket that the service manager has bound. */
interface Activated {
  /** The name in the unit, for the log. */
  readonly name: string;
  /** In the form of `textOf`. */
  readonly address: string;
  readonly handle: ServerHandle;
}

/** The sockets that the service manager has bound and passed on, see sd_listen_fds(3). */
export class SocketActivation {
  private readonly sockets: readonly { readonly fd: number; readonly name: string }[];

  /** Reads their number from the environment and removes the variables. */
  constructor() {
    const { LISTEN_PID: pid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = process.env;
    for (const name of ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID']) delete process.env[name];
    const fds = pid === String(process.pid) && /^\d{1,4}$/.test(count ?? '') ? Number(count) : 0;
    const named = names?.split(':') ?? [];
    this.sockets = Array.from({ length: fds > MAX_FDS ? 0 : fds }, (_, i) => ({
      fd: FIRST_FD + i,
      name: named[i] ?? 'unknown',
    }));
  }

  /**
   * Finds the sockets of a config by their addresses. The others are closed, with a warning.
   * @returns the sockets by the key of `listenKey`
   */
  async claim(config: Config, logger: Logger): Promise<Map<string, BoundAddress>> {
    const claimed = new Map<string, BoundAddress>();
    if (this.sockets.length === 0) return claimed;
    const activated = await this.open(logger);
    for (const service of config.services) {
      const wanted = await addressesOf(service);
      const at = activated.findIndex(({ address }) => wanted.includes(address));
      if (at < 0) continue;
      const [socket] = activated.splice(at, 1) as [Activated];
      // The service manager has created the file of a unix socket and removes it; without the file, the unit would lose
      // its address.
      claimed.set(listenKey(service), await BoundAddress.inherit(service.listen, socket.handle, false));
    }
    for (const { name, address, handle } of activated) {
      logger.warn('no service listens on a socket of the service manager; it is closed', { name, address });
      handle.close();
    }
    return claimed;
  }

  private async open(logger: Logger): Promise<Activated[]> {
    const paths = await unixPaths();
    const activated: Activated[] = [];
    for (const { fd, name } of this.sockets) {
      try {
        const path = paths.get(String(fstatSync(fd).ino));
        const handle = handleOf(fd);
        activated.push({ name, address: path ?? nameOf(handle), handle });
      } catch (error) {
        logger.warn('prox cannot listen on a socket of the service manager; the socket is closed', { name, error });
        close(fd);
      }
    }
    return activated;
  }
}

/** Paths of all unix sockets by inode, because Node cannot ask a socket for its path. */
async function unixPaths(): Promise<Map<string, string>> {
  const rows = (await readFile('/proc/net/unix', 'utf8').catch(() => '')).split('\n').slice(1);
  const found = new Map<string, string>();
  for (const row of rows) {
    // Num RefCount Protocol Flags Type St Inode Path
    const match = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+) (.+)$/.exec(row);
    if (match?.[1] !== undefined) found.set(match[1], `unix ${match[2]}`);
  }
  return found;
}

/** Every address of a socket that suits the service. */
async function addressesOf({ listen }: ServiceConfig): Promise<string[]> {
  if (listen.kind === 'unix') return [`unix ${listen.path}`];
  if (listen.host === null) return [textOf('::', listen.port), textOf('0.0.0.0', listen.port)];
  try {
    const { address } = await lookup(listen.host);
    return [textOf(address, listen.port)];
  } catch {
    // Binding will report the error.
    return [];
  }
}

function nameOf(handle: ServerHandle): string {
  const name: { address?: string; port?: number } = {};
  handle.getsockname?.(name);
  return name.address === undefined ? 'unknown' : textOf(name.address, name.port ?? 0);
}

/** An address in a unique form. */
function textOf(address: string, port: number): string {
  if (!address.includes(':')) return `${address}:${port}`;
  const url = `http://[${address}]`;
  // An address with a zone cannot be part of a URL, but the system writes it in one form only.
  return `${URL.canParse(url) ? new URL(url).hostname : `[${address}]`}:${port}`;
}

function close(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // There is no such descriptor.
  }
}
