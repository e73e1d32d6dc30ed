import { ProxyError } from '../base/index.ts';
import type { PathRules } from '../message/index.ts';
import { compilePath, type PathPattern } from '../router/index.ts';
import { ServeRoot } from './contained-file.ts';
import { openFile, type OpenFile } from './open-file.ts';
import { mapPath } from './serve-path.ts';

/** Finds the files for requests. */
export interface FileSource {
  /**
   * The name of the file that a path means, without access to the disk. Paths with the same name mean the same file.
   * @param path in match form
   * @throws ProxyError not_found
   */
  nameOf(path: string): string;

  /** The absolute path of a name; its extension determines the type of the file. */
  pathOf(name: string): string;

  /**
   * Opens the file of that name, or the folder if folders exist for this source. The caller closes it.
   * @throws ProxyError not_found or file_error
   */
  open(name: string): Promise<OpenFile>;
}

/** The same file for every path. Its path comes from the config, so it may lead anywhere. */
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
 * The files below a root. The prefix of the route is removed: `/static/*` maps `/static/a.css` to `a.css`. A route with
 * an exact path (`/styles.css`), or without a path, maps the whole path.
 */
export class FileTree implements FileSource {
  readonly #root: ServeRoot;
  /** Null if no prefix is removed. */
  readonly #pattern: PathPattern | null;

  constructor(root: string, pathPatterns: readonly string[], rules?: PathRules) {
    this.#root = new ServeRoot(root);
    this.#pattern = pathPatterns.some((pattern) => pattern.endsWith('/*')) ? compilePath(pathPatterns, rules) : null;
  }

  nameOf(path: string): string {
    const mapped = mapPath(this.#strip(path));
    if (mapped === null) throw new ProxyError('not_found', `no file name can correspond to ${path}`);
    if (!mapped.folder) return mapped.relative;
    return mapped.relative === '' ? 'index.html' : `${mapped.relative}/index.html`;
  }

  pathOf(name: string): string {
    return this.#root.absolute(name);
  }

  async open(name: string): Promise<OpenFile> {
    return closeUnless(await this.#root.open(name), this.pathOf(name), ['file', 'folder']);
  }

  /** The path below the root, without a leading slash. */
  #strip(path: string): string {
    const match = this.#pattern === null ? null : this.#pattern.match(path);
    if (match !== null && match.pattern.endsWith('/*')) return match.rest;
    return path.startsWith('/') ? path.slice(1) : path;
  }
}

/** Closes a file that cannot be sent: devices and FIFOs have no length, and folders are never listed. */
async function closeUnless(opened: OpenFile, path: string, kinds: readonly OpenFile['kind'][]): Promise<OpenFile> {
  if (kinds.includes(opened.kind)) return opened;
  await opened.close();
  throw new ProxyError('not_found', `${path} is not a regular file`);
}
