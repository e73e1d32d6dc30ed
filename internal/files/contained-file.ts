import { fstat, lstat, readlink, realpath } from 'node:fs';
import { promisify } from 'node:util';

import { ProxyError } from '../base/index.ts';
import { fileError, openFile, type OpenFile } from './open-file.ts';

const fstatAsync = promisify(fstat);
const lstatAsync = promisify(lstat);
const readlinkAsync = promisify(readlink);
const realpathAsync = promisify(realpath.native);

/**
 * A folder that files are served from, and that nothing leads out of.
 *
 * A path is opened first and judged afterwards, by what was opened: between a check of a path and its use, anybody
 * who may write below the root could put a symbolic link in its place. Symbolic links are followed as long as they
 * end below the root.
 */
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

  /** The path of a file as it is opened. */
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

/** The path, without symbolic links, of what was opened. On Linux the kernel says so itself. */
async function realPathOf(opened: OpenFile, path: string): Promise<string> {
  if (process.platform !== 'linux') return realPathByName(opened, path);
  try {
    return await readlinkAsync(`/proc/self/fd/${opened.descriptor}`);
  } catch {
    // No /proc, as in some sandboxes.
    return realPathByName(opened, path);
  }
}

/**
 * The same by the name of the file: where its path leads now, if that is what was opened.
 * @throws ProxyError not_found when the file was replaced in between
 */
export async function realPathByName(opened: OpenFile, path: string): Promise<string> {
  const real = await realpathAsync(path);
  const named = await lstatAsync(real, { bigint: true });
  const held = await fstatAsync(opened.descriptor, { bigint: true });
  if (named.dev === held.dev && named.ino === held.ino) return real;
  throw new ProxyError('not_found', `${path} was replaced while it was opened`);
}
