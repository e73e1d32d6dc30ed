import { fstat, lstat, readlink, realpath } from 'node:fs';
import { promisify } from 'node:util';

import { ProxyError } from '../base/index.ts';
import { fileError, openFile, type OpenFile } from './open-file.ts';

const fstatAsync = promisify(fstat);
const lstatAsync = promisify(lstat);
const readlinkAsync = promisify(readlink);
const realpathAsync = promisify(realpath.native);

/**
 * A folder from which files are served, and out of which no path leads.
 *
 * prox opens a path first, and then checks the file that was opened. Between a check of a path and its use, any user
 * who may write below the root could replace it by a symbolic link. Symbolic links are followed if they end below the
 * root.
 */
export class ServeRoot {
  readonly #path: string;
  /**
   * The path of the root without symbolic links, at the time when a file was last found outside of it. The root may be
   * a symbolic link that changes while prox runs, as for releases and Kubernetes volumes. Opened files then are outside
   * of the old path, and the new path is looked up.
   */
  #real: string | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens `relative`, a path that `mapPath` has returned.
   * @throws ProxyError not_found or file_error
   */
  async open(relative: string): Promise<OpenFile> {
    const path = this.absolute(relative);
    const opened = await openFile(path);
    try {
      if (await this.#contains(await realPathOf(opened, path))) return opened;
      throw new ProxyError('not_found', `${path} leads out of ${this.#path}`);
    } catch (error) {
      await opened.close();
      throw fileError(error, path);
    }
  }

  /** The path with which a file is opened. */
  absolute(relative: string): string {
    return `${this.#path}/${relative}`;
  }

  async #contains(real: string): Promise<boolean> {
    if (this.#real !== null && isInside(real, this.#real)) return true;
    this.#real = await realpathAsync(this.#path);
    return isInside(real, this.#real);
  }
}

/** Whether `real` is `root` or below it; both without symbolic links. */
export function isInside(real: string, root: string): boolean {
  return real === root || real.startsWith(root.endsWith('/') ? root : `${root}/`);
}

/** The path of the opened file, without symbolic links. Linux reports it. */
async function realPathOf(opened: OpenFile, path: string): Promise<string> {
  if (process.platform !== 'linux') return realPathByName(opened, path);
  try {
    return await readlinkAsync(`/proc/self/fd/${opened.descriptor}`);
  } catch {
    // There is no /proc, as in some sandboxes.
    return realPathByName(opened, path);
  }
}

/**
 * The same by name: the current target of the path, if that is the file that was opened.
 * @throws ProxyError not_found if the file was replaced in between
 */
export async function realPathByName(opened: OpenFile, path: string): Promise<string> {
  const real = await realpathAsync(path);
  const named = await lstatAsync(real, { bigint: true });
  const held = await fstatAsync(opened.descriptor, { bigint: true });
  if (named.dev === held.dev && named.ino === held.ino) return real;
  throw new ProxyError('not_found', `${path} was replaced while it was opened`);
}
