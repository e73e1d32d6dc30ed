import { ProxyError } from '../../base/index.ts';
import { compilePath, type PathPattern } from '../../router/index.ts';
import { ServeRoot } from './contained-file.ts';
import { isRegularFile, openFile, type OpenFile } from './open-file.ts';
import { type Coding, CODINGS } from './precompressed.ts';
import { mapPath } from './serve-path.ts';

/** A regular file, open, and its compressed siblings. Whoever got it closes `opened`. */
export interface FoundFile {
  readonly opened: OpenFile;
  /** Absolute; its extension says what the file is. */
  readonly path: string;
  /** Opens the file beside it whose name is longer by an extension. @throws ProxyError */
  openSibling(extension: string): Promise<OpenFile>;
}

/** Finds the file for a request. */
export interface FileSource {
  /**
   * Null for a folder that was asked for without a slash at the end of its path: its relative links would be wrong.
   * @param path in normal form
   * @throws ProxyError not_found or file_error
   */
  find(path: string): Promise<FoundFile | null>;
}

/** The same file for every path, wherever it leads: its path comes from the config. */
export class SingleFile implements FileSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async find(): Promise<FoundFile> {
    const path = this.#path;
    const opened = await regular(await openFile(path), path);
    return {
      opened,
      path,
      openSibling: async (extension) => regular(await openFile(path + extension), path + extension),
    };
  }
}

/**
 * The files below a root. The prefix of the route is stripped: `/static/*` maps `/static/a.css` to `a.css`. An exact
 * path (`/styles.css`) and a route without a path map the whole path.
 */
export class FileTree implements FileSource {
  readonly #root: ServeRoot;
  readonly #pattern: PathPattern;

  constructor(root: string, pathPatterns: readonly string[]) {
    this.#root = new ServeRoot(root);
    this.#pattern = compilePath(pathPatterns);
  }

  async find(path: string): Promise<FoundFile | null> {
    const mapped = mapPath(this.#strip(path));
    if (mapped === null) throw new ProxyError('not_found', `no file can be meant by ${path}`);
    const { folder } = mapped;
    const names = mapped.relative === '' ? [] : [mapped.relative];
    const relative = (folder ? [...names, 'index.html'] : names).join('/');
    const root = this.#root;
    const opened = await root.open(relative);
    if (opened.kind === 'folder' && !folder) {
      await opened.close();
      return null;
    }
    await regular(opened, root.absolute(relative));
    return {
      opened,
      path: root.absolute(relative),
      openSibling: async (extension) => {
        const sibling = relative + extension;
        return regular(await root.open(sibling), root.absolute(sibling));
      },
    };
  }

  #strip(path: string): string {
    const match = this.#pattern.match(path);
    const exact = match === null || (match.pattern !== '' && !match.pattern.endsWith('/*'));
    return exact ? path : match.rest;
  }
}

/** The codings that a file has siblings for. */
export async function siblingCodings(file: FoundFile): Promise<readonly Coding[]> {
  const there = await Promise.all(CODINGS.map(({ extension }) => isRegularFile(file.path + extension)));
  return CODINGS.filter((_, index) => there[index]);
}

/** Closes what is no regular file: devices and FIFOs have no length, and folders are never listed. */
async function regular(opened: OpenFile, path: string): Promise<OpenFile> {
  if (opened.kind === 'file') return opened;
  await opened.close();
  throw new ProxyError('not_found', `${path} is no regular file`);
}
