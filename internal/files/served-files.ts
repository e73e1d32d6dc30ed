import type { ServeCacheConfig } from '../config/index.ts';
import { CachedFile } from './cached-file.ts';
import { contentTypeOf } from './content-type.ts';
import { FileCache } from './file-cache.ts';
import type { FileSource } from './file-source.ts';
import type { OpenFile } from './open-file.ts';
import { CODINGS, mayHaveSiblings } from './precompressed.ts';
import { Representation } from './representation.ts';
import { type FileState, isSameState } from './validators.ts';

/**
 * A file that changed less than this many milliseconds before it was read may have changed again unnoticed: the clock
 * of a file system ticks every few milliseconds, on some every two seconds. Its contents are read again at the next
 * check.
 */
const TICK_MS = 2000;

/**
 * Number of early checks, for which no request waits, at a time. Each may have some files open, and without a limit
 * there could be one for each file in memory. A file without an early check is checked when its time is over.
 */
const MAX_AHEAD = 16;

/** A check of the disk in progress. */
interface Look {
  /** Its start, on the clock of the cache. */
  readonly began: number;
  readonly result: Promise<CachedFile | null>;
}

/**
 * The files of one action, and their parts that are kept in memory.
 *
 *     fresh(name) ──known, checked within max_age──> answer
 *       │             └─more than half of max_age ago─> early check, for which no request waits
 *       └─no─> look(name)   opens it and its siblings with every check; unchanged contents are kept
 *                └─> fill()    reads contents, if they fit
 *
 * Work that several requests need at the same time is done once for all of them. A file that is requested all the time
 * is always answered from memory: if an early check finds a change, the new contents are read before they replace the
 * old ones.
 */
export class ServedFiles {
  readonly source: FileSource;
  readonly cache: FileCache;
  readonly #enabled: boolean;
  readonly #maxAge: number;
  readonly #looks = new Map<string, Look>();
  readonly #fills = new Map<Representation, Promise<void>>();
  #ahead = 0;

  constructor(source: FileSource, limits: ServeCacheConfig, cache: FileCache = new FileCache(limits)) {
    this.source = source;
    this.cache = cache;
    this.#enabled = limits.size > 0 && limits.maxAge > 0;
    this.#maxAge = limits.maxAge;
  }

  /** The file of that name, if it was checked within max_age. */
  fresh(name: string): CachedFile | null {
    const file = this.cache.fresh(name);
    if (file === null || file.usedAt - file.checkedAt < this.#maxAge / 2) return file;
    if (this.#ahead < MAX_AHEAD && !this.#looks.has(name)) void this.#lookAhead(file);
    return file;
  }

  /**
   * Checks the disk. Null for a folder.
   * @throws ProxyError not_found or file_error
   */
  look(name: string): Promise<CachedFile | null> {
    // Without a cache, each request sees the files as they are when it arrives.
    if (!this.#enabled) return this.#inspect(name, this.cache.now(), null);
    const going = this.#looks.get(name);
    // On a disk that hangs, the result of an old check would be older than max_age.
    if (going !== undefined && this.cache.now() - going.began < this.#maxAge) return going.result;
    return this.#look(name, null);
  }

  /** Reads the contents of a representation, if they may be kept and there is room for them. */
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

  /** Checks a file that is still fresh. Never rejects. */
  async #lookAhead(file: CachedFile): Promise<void> {
    this.#ahead++;
    try {
      await this.#look(file.name, file);
    } catch {
      // The file is not in memory any more: the next request gets the same error, or finds that the file does not
      // exist.
    } finally {
      this.#ahead--;
    }
  }

  /** @param inUse the file from which requests are answered meanwhile */
  #look(name: string, inUse: CachedFile | null): Promise<CachedFile | null> {
    const began = this.cache.now();
    const result = this.#renew(name, began, inUse).finally(() => {
      // A later check may have taken its place.
      if (this.#looks.get(name) === look) this.#looks.delete(name);
    });
    const look: Look = { began, result };
    this.#looks.set(name, look);
    return result;
  }

  /** Checks the disk. A path that is no longer a file, or that cannot be checked, is not answered from memory again. */
  async #renew(name: string, began: number, inUse: CachedFile | null): Promise<CachedFile | null> {
    let file: CachedFile | null = null;
    try {
      file = await this.#inspect(name, began, inUse);
    } finally {
      if (file === null) this.cache.dropOlder(name, began);
    }
    return file;
  }

  async #inspect(name: string, checkedAt: number, inUse: CachedFile | null): Promise<CachedFile | null> {
    const original = await this.#stateOf(name);
    if (original === null) return null;
    const contentType = contentTypeOf(this.source.pathOf(name));
    const siblings = mayHaveSiblings(contentType)
      ? await Promise.all(CODINGS.map(({ extension }) => this.#siblingState(name + extension)))
      : [];
    const known = this.cache.known(name);
    if (known !== null && isUnchanged(known, original, siblings)) {
      known.checkedAt = Math.max(known.checkedAt, checkedAt);
      return known;
    }
    const varies = siblings.some((state) => state !== null);
    const now = Date.now();
    const representations = [new Representation(original, null, contentType, varies, now)];
    siblings.forEach((state, index) => {
      if (state !== null) representations.push(new Representation(state, CODINGS[index], contentType, varies, now));
    });
    const file = new CachedFile(name, representations, checkedAt);
    if (inUse !== null) await this.#refill(file, inUse);
    else if (this.#enabled) this.cache.put(file);
    return file;
  }

  /** Reads the contents that are in memory for the old state, and adds the file to the cache only then. */
  async #refill(file: CachedFile, before: CachedFile): Promise<void> {
    const wanted = before.representations.flatMap(({ coding, content }) => (content === null ? [] : [coding]));
    this.cache.hold(file);
    try {
      await Promise.all(
        file.representations.filter(({ coding }) => wanted.includes(coding)).map((one) => this.fill(file, one)),
      );
      this.cache.put(file);
    } finally {
      this.cache.release(file);
    }
  }

  /** Null for a folder. */
  async #stateOf(name: string): Promise<FileState | null> {
    const opened = await this.source.open(name);
    await opened.close();
    return opened.kind === 'folder' ? null : opened.state;
  }

  /** Null if there is no sibling that can be sent; the original is sent then. */
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
      // The request opens the file again to send it, and gets the same error.
    } finally {
      await opened?.close();
    }
    // It is another file by now, or it is being written.
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

/** Whether the contents, if there are any, were read long enough after the last change. */
function isSettled({ content, readAt, state }: Representation): boolean {
  return content === null || Number(state.ctimeNs / 1_000_000n) + TICK_MS < readAt;
}
