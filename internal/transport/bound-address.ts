import type { SendHandle } from 'node:child_process';
import type { BigIntStats } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { lstat, rename, rm } from 'node:fs/promises';
import net, { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { getSystemErrorName } from 'node:util';

/**
 * Sockets that are bound and wait for somebody to listen.
 *
 * The control plane binds every address once and keeps the socket, so that an address is bound as long as it is in
 * force, whichever workers live or die; workers, and at a restart the successor, get the socket and accept from it. So
 * it has to be bound by somebody who does not accept, and that is what Node's documentation has no word for:
 * `server.listen` binds and accepts at once. The one thing used here that is not documented is
 * `net._createServerHandle(address, port, addressType, fd, flags)`, which binds and no more. node:cluster is built on
 * it, its shape has not changed since Node 0.12, and it stands in this file alone: nothing on the way of a request
 * depends on it. How the socket goes to others (`child.send(message, handle)`, `server.listen(handle)`) is documented.
 *
 * The handle must never be listened with here: libuv accepts for whoever listens, and connections would be lost.
 */

/** An address to listen on. */
export type BindAddress =
  | { readonly kind: 'tcp'; readonly host: string | null; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

/** A bound socket as Node passes it around; opaque but to this file and the listener. */
export interface ServerHandle {
  getsockname?(out: { address?: string; port?: number }): number;
  close(): void;
}

type CreateServerHandle = (
  address: string | null,
  port: number | null,
  addressType: 4 | 6 | -1,
  fd: number,
  flags: number,
) => ServerHandle | number;

/** sun_path holds 108 bytes with its closing NUL. */
const MAX_UNIX_PATH = 107;

/** Distinguishes the names that unix sockets are bound by. */
let nextName = 0;

/** A bound address. It is given up by `close`; `leave` lets go of the socket and leaves the address to others. */
export class BoundAddress {
  readonly address: BindAddress;
  /** The port that was bound; differs from the address when that asks for port 0. 0 on a unix socket. */
  readonly port: number;
  readonly handle: ServerHandle;
  /** The unix socket's file, to tell it from one that somebody else has put in its place. */
  private readonly inode: bigint | null;
  /** Whether this process has the socket still. */
  open = true;

  private constructor(address: BindAddress, handle: ServerHandle, port: number, inode: bigint | null) {
    this.address = address;
    this.handle = handle;
    this.port = port;
    this.inode = inode;
  }

  /**
   * Binds an address. A unix socket that nobody listens on any more is replaced.
   * @throws Error of the system (EADDRINUSE, EACCES …) when the address cannot be bound
   */
  static async bind(address: BindAddress): Promise<BoundAddress> {
    if (address.kind === 'unix') return BoundAddress.bindUnix(address);
    const handle = address.host === null ? bindAll(address.port) : await bindHost(address.host, address.port);
    return new BoundAddress(address, handle, portOf(handle), null);
  }

  /**
   * A socket that another process has bound to the address and passed on.
   * @param removable whether the file of a unix socket is ours to remove
   */
  static async inherit(address: BindAddress, handle: ServerHandle, removable = true): Promise<BoundAddress> {
    if (address.kind === 'unix' && removable) return new BoundAddress(address, handle, 0, await inodeOf(address.path));
    return new BoundAddress(address, handle, portOf(handle), null);
  }

  /** Whether this is a unix socket whose file goes with it. */
  get removable(): boolean {
    return this.inode !== null;
  }

  /** The socket, in the shape that `child.send` takes. */
  get sendable(): SendHandle {
    return this.handle as unknown as SendHandle;
  }

  /**
   * Gives the address up: closes the socket, and removes the file of a unix socket unless another took its place.
   * @returns why the file could not be removed, null without a reason; the next who binds the address replaces it
   */
  async close(): Promise<Error | null> {
    this.open = false;
    this.handle.close();
    const { address, inode } = this;
    if (address.kind === 'unix' && inode !== null && (await inodeOf(address.path)) === inode) {
      return rm(address.path, { force: true }).then(
        () => null,
        (error: unknown) => error as Error,
      );
    }
    return null;
  }

  /** Closes the socket and leaves the address to whoever has it too. */
  leave(): void {
    this.open = false;
    this.handle.close();
  }

  /**
   * The socket is bound by a name of its own and renamed: libuv removes the name that it bound when the socket is
   * closed, by whatever process; and a stale file is replaced without a moment in which there is none.
   */
  private static async bindUnix(address: BindAddress & { kind: 'unix' }): Promise<BoundAddress> {
    const { path } = address;
    const found = await statOf(path);
    if (found !== null && !(found.isSocket() && (await isStale(path)))) throw systemError('EADDRINUSE', path);
    const name = bindingName(path);
    const handle = create(name, -1, -1);
    try {
      await rename(name, path);
    } catch (error) {
      handle.close();
      throw error;
    }
    return new BoundAddress(address, handle, 0, await inodeOf(path));
  }
}

/** A bound socket that this process was started with. @throws Error of the system when it is none */
export function handleOf(fd: number): ServerHandle {
  const handle = createServerHandle()(null, null, -1, fd, 0);
  if (typeof handle === 'number') throw systemError(getSystemErrorName(handle), `fd ${fd}`);
  return handle;
}

/** All addresses, v4 and v6; v4 alone where the system has no v6. */
function bindAll(port: number): ServerHandle {
  try {
    return create('::', port, 6);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') throw error;
    return create('0.0.0.0', port, 4);
  }
}

async function bindHost(host: string, port: number): Promise<ServerHandle> {
  const { address, family } = await lookup(host);
  return create(address, port, family === 6 ? 6 : 4);
}

function create(address: string, port: number, addressType: 4 | 6 | -1): ServerHandle {
  const make = createServerHandle();
  const handle = make(address, port, addressType, -1, 0);
  if (typeof handle === 'number') throw systemError(getSystemErrorName(handle), address);
  // libuv keeps an EADDRINUSE of bind(2) for itself until somebody listens; asked for the name of the socket, it tells.
  const error = addressType === -1 ? 0 : (handle.getsockname?.({}) ?? 0);
  if (error !== 0) {
    handle.close();
    throw systemError(getSystemErrorName(error), address);
  }
  return handle;
}

/** @throws Error where Node has it no longer */
function createServerHandle(): CreateServerHandle {
  const { _createServerHandle: found } = net as unknown as { _createServerHandle?: unknown };
  if (typeof found === 'function') return found as CreateServerHandle;
  throw new Error(
    `Node ${process.version} cannot bind an address without accepting from it; prox needs another version`,
  );
}

function portOf(handle: ServerHandle): number {
  const name: { port?: number } = {};
  handle.getsockname?.(name);
  return name.port ?? 0;
}

/** A free name beside the socket, which shows whose it is where names are that long. */
function bindingName(path: string): string {
  const mark = `${(process.pid % 46_656).toString(36)}${(nextName++ % 36).toString(36)}`;
  const speaking = `${path}.${mark}`;
  return Buffer.byteLength(speaking) <= MAX_UNIX_PATH ? speaking : join(dirname(path), `.${mark}`);
}

async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch {
    // Not there, or in a folder that is not to be read: binding tells.
    return null;
  }
}

async function inodeOf(path: string): Promise<bigint | null> {
  return (await statOf(path))?.ino ?? null;
}

/** Whether a unix socket is in use by name only: its file is there, but nobody answers. */
function isStale(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (cause) => resolve('code' in cause && cause.code === 'ECONNREFUSED'));
  });
}

function systemError(code: string, address: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`bind ${code} ${address}`), { code, syscall: 'bind', address });
}
