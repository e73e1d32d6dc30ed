import type { ServeCacheConfig } from '../../config/index.ts';
import { CachedFile } from './cached-file.ts';
import { contentTypeOf } from './content-type.ts';
import { FileCache } from './file-cache.ts';
import type { FileSource } from './file-source.ts';
import type { OpenFile } from './open-file.ts';
import { CODINGS, mayHaveSiblings } from './precompressed.ts';
import { Representation } from './representation.ts';
import { type FileState, isSameState } from './validators.ts';

/**
 * A file that changed less than so many milliseconds before it was read may have changed again without a trace: the clock
 * of a file system ticks every few milliseconds, on some every two seconds. Its contents are read again at the next look.
 */
const TICK_MS = 2000;

/**
 * The files of one action, and what is kept of them in memory.
 *
 *     fresh(name) ──known, looked at within max_age──> answer
 *       └─no─> look(name)   opens it and its siblings with every check; what did not change keeps its contents
 *                └─> fill()    reads contents, where they fit
 *
 * What many requests ask for at a time is done once for all of them.
 */
export class ServedFiles {
  readonly source: FileSource;
  readonly cache: FileCache;
  readonly #enabled: boolean;
  readonly #looks = new Map<string, Promise<CachedFile | null>>();
  readonly #fills = new Map<Representation, Promise<void>>();

  constructor(source: FileSource, limits: ServeCacheConfig, cache: FileCache = new FileCache(limits)) {
    this.source = source;
    this.cache = cache;
    this.#enabled = limits.size > 0 && limits.maxAge > 0;
  }

  /**
   * Looks at the disk. Null for a folder.
   * @throws ProxyError not_found or file_error
   */
  look(name: string): Promise<CachedFile | null> {
    // Without a cache, each request sees the files as they are when it comes.
    if (!this.#enabled) return this.#inspect(name);
    const going = this.#looks.get(name);
    if (going !== undefined) return going;
    const look = this.#inspect(name).finally(() => this.#looks.delete(name));
    this.#looks.set(name, look);
    return look;
  }

  /** Reads the contents of a representation, where they may be held and there is room for them. */
  async fill(file: CachedFile, representation: Representation): Promise<void> {
    if (!this.#enabled || representation.content !== null || !this.cache.mayHold(representation)) return;
    const going = this.#fills.get(representation);
    if (going !== undefined) return going;
    const { size } = representation;
    if (!this.cache.reserve(file, size)) return;
    this.cache.hold(file);
    const fill = this.#read(file, representation).finally(() => {
      this.#fills.delete(representation);
      if (representation.content === null) this.cache.unreserve(file, size);
      this.cache.release(file);
    });
    this.#fills.set(representation, fill);
    return fill;
  }

  async #inspect(name: string): Promise<CachedFile | null> {
    const checkedAt = this.cache.now();
    const original = await this.#stateOf(name);
    if (original === null) return null;
    const contentType = contentTypeOf(this.source.pathOf(name));
    const siblings = mayHaveSiblings(contentType)
      ? await Promise.all(CODINGS.map(({ extension }) => this.#siblingState(name + extension)))
      : [];
    const known = this.cache.known(name);
    if (known !== null && isUnchanged(known, original, siblings)) {
      known.checkedAt = checkedAt;
      return known;
    }
    const varyLine = siblings.some((state) => state !== null) ? 'Vary: Accept-Encoding\r\n' : '';
    const now = Date.now();
    const representations = [new Representation(original, null, contentType, varyLine, now)];
    siblings.forEach((state, index) => {
      if (state !== null) representations.push(new Representation(state, CODINGS[index], contentType, varyLine, now));
    });
    const file = new CachedFile(name, representations, checkedAt);
    if (this.#enabled) this.cache.put(file);
    return file;
  }

  /** Null for a folder. */
  async #stateOf(name: string): Promise<FileState | null> {
    const opened = await this.source.open(name);
    await opened.close();
    return opened.kind === 'folder' ? null : opened.state;
  }

  /** Null when there is none that can be sent: then there is the original. */
  async #siblingState(name: string): Promise<FileState | null> {
    try {
      return await this.#stateOf(name);
    } catch {
      return null;
    }
  }

  async #read(file: CachedFile, representation: Representation): Promise<void> {
    let opened: OpenFile | null = null;
    try {
      opened = await this.source.open(file.name + representation.extension);
      const readAt = Date.now();
      const content = Buffer.allocUnsafeSlow(representation.size);
      if (isSameState(opened.state, representation.state)) {
        await opened.readFully(content, 0, content.length);
        if (isSameState(await opened.look(), representation.state)) {
          representation.content = content;
          representation.readAt = readAt;
          return;
        }
      }
    } catch {
      // The request opens the file again to send it, and meets the same error.
    } finally {
      await opened?.close();
    }
    // It is another file by now, or one that is being written to.
    this.cache.drop(file);
  }
}

function isUnchanged(file: CachedFile, original: FileState, siblings: readonly (FileState | null)[]): boolean {
  const states = [original, ...siblings];
  const seen = file.representations;
  const codings = [null, ...CODINGS.filter((_, index) => (siblings[index] ?? null) !== null)];
  const there = states.filter((state) => state !== null);
  return (
    there.length === seen.length &&
    there.every((state, index) => codings[index] === seen[index].coding && isSameState(state, seen[index].state)) &&
    seen.every(isSettled)
  );
}

/** Whether the contents, where there are some, were read long enough after the last change. */
function isSettled({ content, readAt, state }: Representation): boolean {
  return content === null || Number(state.ctimeNs / 1_000_000n) + TICK_MS < readAt;
}
