import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath, stat } from 'node:fs/promises';

import { ProxyError } from '../base/index.ts';
import type { FileState } from './validators.ts';

/**
 * Opening files below a root, so that nothing leads out of it.
 *
 * A path is opened first and judged afterwards, by what was opened: between a check of a path and its use, anybody
 * who may write below the root could put a symbolic link in its place. Symbolic links are followed as long as they
 * end below the root.
 */

/** Without O_NONBLOCK, opening a FIFO would hold a thread of the pool until somebody writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** An open file or folder. Whoever got it closes it. */
export interface OpenedFile {
  readonly handle: FileHandle;
  readonly kind: 'file' | 'folder' | 'other';
  readonly state: FileState;
}

/** A folder that files are served from. */
export class ServeRoot {
  readonly #path: string;
  /**
   * Where the root really is, as of the last time that something was found outside. The root may be a symbolic
   * link that is put elsewhere while prox runs, as releases and Kubernetes volumes are: what is opened then lies
   * outside the old place, and the new place is looked up.
   */
  #real: string | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens what `relative`, a path of `mapPath`, leads to.
   * @throws ProxyError not_found or file_error
   */
  async open(relative: string): Promise<OpenedFile> {
    const path = this.absolute(relative);
    const opened = await openFile(path);
    try {
      if (await this.#contains(await realPathOf(opened.handle, path))) return opened;
    } catch (error) {
      await opened.handle.close();
      throw fileError(error, path);
    }
    await opened.handle.close();
    throw new ProxyError('not_found', `${path} leads out of ${this.#path}`);
  }

  absolute(relative: string): string {
    return `${this.#path}/${relative}`;
  }

  async #contains(real: string): Promise<boolean> {
    if (this.#real !== null && isInside(real, this.#real)) return true;
    this.#real = await realpath(this.#path);
    return isInside(real, this.#real);
  }
}

/**
 * Opens a path that is trusted as it is, wherever it leads.
 * @throws ProxyError not_found or file_error
 */
export async function openFile(path: string): Promise<OpenedFile> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, OPEN_FLAGS);
    const state = await handle.stat({ bigint: true });
    return { handle, kind: state.isFile() ? 'file' : state.isDirectory() ? 'folder' : 'other', state };
  } catch (error) {
    await handle?.close();
    throw fileError(error, path);
  }
}

/** Whether there is a regular file at a path. Errors count as no: the path is opened with care when it is used. */
export async function isRegularFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** Whether `real` is `root` or below it; both without symbolic links. */
export function isInside(real: string, root: string): boolean {
  return real === root || real.startsWith(root.endsWith('/') ? root : `${root}/`);
}

/** The path, without symbolic links, of what was opened. On Linux the kernel says so itself. */
async function realPathOf(handle: FileHandle, path: string): Promise<string> {
  if (process.platform !== 'linux') return realPathByName(handle, path);
  try {
    return await readlink(`/proc/self/fd/${handle.fd}`);
  } catch {
    // No /proc, as in some sandboxes.
    return realPathByName(handle, path);
  }
}

/**
 * The same by the name of the file: where its path leads now, if that is what was opened.
 * @throws ProxyError not_found when the file was replaced in between
 */
export async function realPathByName(handle: FileHandle, path: string): Promise<string> {
  const real = await realpath(path);
  const [named, opened] = await Promise.all([lstat(real, { bigint: true }), handle.stat({ bigint: true })]);
  if (named.dev === opened.dev && named.ino === opened.ino) return real;
  throw new ProxyError('not_found', `${path} was replaced while it was opened`);
}

/** There is nothing to serve at such a path, for one reason or another. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'ENXIO', 'ENODEV', 'EISDIR']);
const FORBIDDEN = new Set(['EACCES', 'EPERM']);

/**
 * The ProxyError for an error of the file system: not_found when there is no such file, file_error otherwise. A file
 * that prox may not read is 403 for the client, and an error in the log: whoever laid it there wanted it served.
 */
export function fileError(thrown: unknown, path: string): ProxyError {
  if (thrown instanceof ProxyError) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  if (ABSENT.has(code)) return new ProxyError('not_found', `no file ${path}`, { cause: thrown });
  const message = `${path} could not be read: ${code}`;
  if (FORBIDDEN.has(code)) return new ProxyError('file_error', message, { cause: thrown, status: 403 });
  return new ProxyError('file_error', message, { cause: thrown });
}
