import type { ServeCacheConfig } from '../config/index.ts';
import type { CachedFile } from './cached-file.ts';
import type { Representation } from './representation.ts';

/**
 * What a file costs besides its contents and its name, and besides what each form of it does. Counted, so that a tree of
 * a million empty files fits into the same bound.
 */
export const ENTRY_BYTES = 1536;

/** What is said of one form in which a file is sent: field lines, validators, state. As measured. */
export const REPRESENTATION_BYTES = 1280;

/**
 * Who was used within so many milliseconds is not thrown out for another. When the files that are in use take more room
 * than there is, some stay in memory and the rest is read from the disk; without this rule each would throw out the next
 * one to be asked for, and all would be read all the time.
 */
const RECENT_MS = 1000;

/**
 * Files by name, bounded in bytes. The least recently used goes first. Contents of a file that has gone are counted until
 * the last response that sends them is over: slow clients hold no memory beyond the bound.
 */
export class FileCache {
  private readonly limits: ServeCacheConfig;
  /** Its clock, in milliseconds. */
  readonly now: () => number;
  private readonly files = new Map<string, CachedFile>();
  private newest: CachedFile | null = null;
  private oldest: CachedFile | null = null;
  /** Bytes of the files in the cache, and of those that have left it while in use. */
  private bytes = 0;

  /** @param now milliseconds of a clock that never jumps */
  constructor(limits: ServeCacheConfig, now: () => number = () => performance.now()) {
    this.limits = limits;
    this.now = now;
  }

  /** Bytes that count. */
  get used(): number {
    return this.bytes;
  }

  /** Files that are known. */
  get count(): number {
    return this.files.size;
  }

  /** The file of that name, if it was looked at within max_age. */
  fresh(name: string): CachedFile | null {
    const file = this.files.get(name);
    if (file === undefined) return null;
    const now = this.now();
    if (now - file.checkedAt >= this.limits.maxAge) return null;
    file.usedAt = now;
    if (file !== this.newest) {
      this.unlink(file);
      this.link(file);
    }
    return file;
  }

  /** The file of that name, however old. */
  known(name: string): CachedFile | null {
    return this.files.get(name) ?? null;
  }

  /**
   * Takes a file in, in place of the one of its name; not when there is no room, or when that one was looked at later.
   * One that has contents already is held meanwhile.
   */
  put(file: CachedFile): void {
    const before = this.files.get(file.name);
    if (before !== undefined) {
      if (before.checkedAt > file.checkedAt) return;
      this.drop(before);
    }
    const bytes = ENTRY_BYTES + REPRESENTATION_BYTES * file.representations.length + 2 * file.name.length;
    if (!this.makeRoom(bytes)) return;
    this.files.set(file.name, file);
    file.cached = true;
    file.usedAt = this.now();
    file.bytes += bytes;
    this.bytes += bytes;
    this.link(file);
  }

  /** Throws out the file of that name, unless it was looked at later than that. */
  dropOlder(name: string, checkedAt: number): void {
    const file = this.files.get(name);
    if (file !== undefined && file.checkedAt <= checkedAt) this.drop(file);
  }

  /** Throws a file out. */
  drop(file: CachedFile): void {
    if (!file.cached) return;
    file.cached = false;
    this.files.delete(file.name);
    this.unlink(file);
    if (file.users === 0) this.bytes -= file.bytes;
  }

  /** Whether a representation is small enough to be held at all. */
  mayHold({ size }: Representation): boolean {
    return size <= this.limits.maxFileSize && size <= this.limits.size;
  }

  /**
   * Counts contents of a file that are about to be read. False: there is no room for them, or the file is neither in the
   * cache nor held, so that nobody would count them off again.
   */
  reserve(file: CachedFile, bytes: number): boolean {
    if (!counts(file) || !this.makeRoom(bytes)) return false;
    // The file itself may have gone to make room, if it was not used for a while.
    if (!counts(file)) return false;
    file.bytes += bytes;
    this.bytes += bytes;
    return true;
  }

  /** Contents that were reserved for a file have not come. To be called while the file is held. */
  unreserve(file: CachedFile, bytes: number): void {
    file.bytes -= bytes;
    this.bytes -= bytes;
  }

  /** The contents of the file are in use until `release`, in the cache or not. */
  hold(file: CachedFile): void {
    // Another response may have begun with it before it left the cache.
    if (!file.cached && file.users === 0) this.bytes += file.bytes;
    file.users++;
  }

  release(file: CachedFile): void {
    file.users--;
    if (!file.cached && file.users === 0) this.bytes -= file.bytes;
  }

  private makeRoom(bytes: number): boolean {
    const { size } = this.limits;
    while (this.bytes + bytes > size) {
      const victim = this.oldest;
      if (victim === null || this.now() - victim.usedAt < RECENT_MS) return false;
      this.drop(victim);
    }
    return true;
  }

  private link(file: CachedFile): void {
    file.older = this.newest;
    if (this.newest === null) this.oldest = file;
    else this.newest.newer = file;
    this.newest = file;
  }

  private unlink(file: CachedFile): void {
    if (file.newer === null) this.newest = file.older;
    else file.newer.older = file.older;
    if (file.older === null) this.oldest = file.newer;
    else file.older.newer = file.newer;
    file.newer = null;
    file.older = null;
  }
}

/** Whether the bytes of a file are among those that the cache counts. */
function counts(file: CachedFile): boolean {
  return file.cached || file.users > 0;
}
