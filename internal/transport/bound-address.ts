import { MAX_UNIX_PATH } from '../base/index.ts';
import type { SendHandle } from 'node:child_process';
import type { BigIntStats } from 'node:fs';
import { lookup } from 'node:dns/promises';
import { lstat, rename, rm } from 'node:fs/promises';
import net, { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { getSystemErrorName } from 'node:util';

/**
 * Sockets that are bound but do not accept.
 *
 * The control plane binds every address once and keeps the socket, so that the address stays bound while it is in
 * force, whichever workers start or end. Workers, and the successor during a restart, receive the socket and accept
 * from it. The process that binds therefore must not accept. Node's documented API has no function for this:
 * `server.listen` binds and accepts at once. The one undocumented function that prox uses is
 * `net._createServerHandle(address, port, addressType, fd, flags)`, which only binds. node:cluster is built on it, its
 * signature has not changed since Node 0.12, and only this file uses it; no request depends on it. The way in which a
 * socket is passed to other processes (`child.send(message, handle)`, `server.listen(handle)`) is documented.
 *
 * The handle must never be used to listen in this process: libuv would accept connections, and they would be lost.
 */

/** An address to listen on. */
export type BindAddress =
  | { readonly kind: 'tcp'; readonly host: string | null; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

/** A bound socket in the form that Node passes to other processes. Only this file and the listener look inside. */
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

/** Makes the names different under which unix sockets are bound. */
let nextName = 0;

/**
 * A bound address. `close` gives the address up; `leave` closes the socket in this process and leaves the address to
 * others.
 */
export class BoundAddress {
  readonly address: BindAddress;
  /** The port that was bound. Differs from the address if that has port 0. 0 for a unix socket. */
  readonly port: number;
  readonly handle: ServerHandle;
  /** Identifies the file of the unix socket, in case another process has replaced it. */
  private readonly inode: bigint | null;
  /** Whether this process still has the socket. */
  open = true;

  private constructor(address: BindAddress, handle: ServerHandle, port: number, inode: bigint | null) {
    this.address = address;
    this.handle = handle;
    this.port = port;
    this.inode = inode;
  }

  /**
   * Binds an address. A unix socket on which no process listens any more is replaced.
   * @throws Error of the system (EADDRINUSE, EACCES …) if the address cannot be bound
   */
  static async bind(address: BindAddress): Promise<BoundAddress> {
    if (address.kind === 'unix') return BoundAddress.bindUnix(address);
    const handle = address.host === null ? bindAll(address.port) : await bindHost(address.host, address.port);
    return new BoundAddress(address, handle, portOf(handle), null);
  }

  /**
   * Takes over a socket that another process has bound to the address and passed on.
   * @param removable whether prox removes the file of a unix socket
   */
  static async inherit(address: BindAddress, handle: ServerHandle, removable = true): Promise<BoundAddress> {
    if (address.kind === 'unix' && removable) return new BoundAddress(address, handle, 0, await inodeOf(address.path));
    return new BoundAddress(address, handle, portOf(handle), null);
  }

  /** Whether this is a unix socket whose file is removed by `close`. */
  get removable(): boolean {
    return this.inode !== null;
  }

  /** The socket in the form that `child.send` accepts. */
  get sendable(): SendHandle {
    return this.handle as unknown as SendHandle;
  }

  /**
   * Gives the address up: closes the socket, and removes the file of a unix socket unless another one took its place.
   * @returns why the file could not be removed, or null. A file that remains is replaced when the address is bound
   * again.
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

  /** Closes the socket in this process and leaves the address to the other processes that have the socket. */
  leave(): void {
    this.open = false;
    this.handle.close();
  }

  /**
   * Binds the socket under a temporary name and renames it, for two reasons. When the socket is closed, in any process,
   * libuv removes the name under which it was bound. And a stale file is replaced without a moment in which there is
   * none.
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

/** A bound socket that this process inherited at its start. @throws Error of the system if the descriptor is not one */
export function handleOf(fd: number): ServerHandle {
  const handle = createServerHandle()(null, null, -1, fd, 0);
  if (typeof handle === 'number') throw systemError(getSystemErrorName(handle), `fd ${fd}`);
  return handle;
}

/** Binds all addresses, IPv4 and IPv6; only IPv4 if the system has no IPv6. */
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
  // libuv reports an EADDRINUSE of bind(2) only when the socket starts to listen. Asking for its name reports it now.
  const error = addressType === -1 ? 0 : (handle.getsockname?.({}) ?? 0);
  if (error !== 0) {
    handle.close();
    throw systemError(getSystemErrorName(error), address);
  }
  return handle;
}

/** @throws Error if this version of Node does not have the function */
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

/** A free name next to the socket, derived from its name if the length allows. */
function bindingName(path: string): string {
  const mark = `${(process.pid % 46_656).toString(36)}${(nextName++ % 36).toString(36)}`;
  const speaking = `${path}.${mark}`;
  return Buffer.byteLength(speaking) <= MAX_UNIX_PATH ? speaking : join(dirname(path), `.${mark}`);
}

async function statOf(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch {
    // The file does not exist, or its folder cannot be read; binding reports the reason.
    return null;
  }
}

async function inodeOf(path: string): Promise<bigint | null> {
  return (await statOf(path))?.ino ?? null;
}

/** Whether the file of a unix socket exists although no process listens on it. */
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
