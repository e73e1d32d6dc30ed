import { ProxyError } from '../base/index.ts';
import { compilePath, type PathPattern, type PathRules } from '../router/index.ts';
import { ServeRoot } from './contained-file.ts';
import { openFile, type OpenFile } from './open-file.ts';
import { mapPath } from './serve-path.ts';

/** Finds the files for requests. */
export interface FileSource {
  /**
   * The name of what a path means, found without a look at the disk: paths of one name mean one file.
   * @param path in match form
   * @throws ProxyError not_found
   */
  nameOf(path: string): string;

  /** The absolute path of a name; its extension says what the file is. */
  pathOf(name: string): string;

  /**
   * Opens what has that name: a file or, where those exist, a folder. Whoever gets it closes it.
   * @throws ProxyError not_found or file_error
   */
  open(name: string): Promise<OpenFile>;
}

/** The same file for every path, wherever it leads: its path comes from the config. */
export class SingleFile implements FileSource {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  nameOf(): string {
    return '';
  }

  pathOf(name: string): string {
    return this.#path + name;
  }

  async open(name: string): Promise<OpenFile> {
    const path = this.pathOf(name);
    return closeUnless(await openFile(path), path, ['file']);
  }
}

/**
 * The files below a root. The prefix of the route is stripped: `/static/*` maps `/static/a.css` to `a.css`. An exact
 * path (`/styles.css`) and a route without a path map the whole path.
 */
export class FileTree implements FileSource {
  readonly #root: ServeRoot;
  /** Null when nothing is stripped. */
  readonly #pattern: PathPattern | null;

  constructor(root: string, pathPatterns: readonly string[], rules?: PathRules) {
    this.#root = new ServeRoot(root);
    this.#pattern = pathPatterns.some((pattern) => pattern.endsWith('/*')) ? compilePath(pathPatterns, rules) : null;
  }

  nameOf(path: string): string {
    const mapped = mapPath(this.#strip(path));
    if (mapped === null) throw new ProxyError('not_found', `no file can be meant by ${path}`);
    if (!mapped.folder) return mapped.relative;
    return mapped.relative === '' ? 'index.html' : `${mapped.relative}/index.html`;
  }

  pathOf(name: string): string {
    return this.#root.absolute(name);
  }

  async open(name: string): Promise<OpenFile> {
    return closeUnless(await this.#root.open(name), this.pathOf(name), ['file', 'folder']);
  }

  /** What names the file below the root, without a leading slash. */
  #strip(path: string): string {
    const match = this.#pattern === null ? null : this.#pattern.match(path);
    if (match !== null && match.pattern.endsWith('/*')) return match.rest;
    return path.startsWith('/') ? path.slice(1) : path;
  }
}

/** Closes what cannot be sent: devices and FIFOs have no length, and folders are never listed. */
async function closeUnless(opened: OpenFile, path: string, kinds: readonly OpenFile['kind'][]): Promise<OpenFile> {
  if (kinds.includes(opened.kind)) return opened;
  await opened.close();
  throw new ProxyError('not_found', `${path} is no regular file`);
}
