import type { ServeCacheConfig } from '../config/index.ts';
import type { CachedFile } from './cached-file.ts';
import type { Representation } from './representation.ts';

/**
 * Bytes that a file costs in addition to its contents, its name, and its representations. They count, so that a tree of
 * a million empty files obeys the same limit.
 */
export const ENTRY_BYTES = 1536;

/** Bytes that one representation of a file costs: field lines, validators, state. Measured. */
export const REPRESENTATION_BYTES = 1280;

/**
 * A file that was used within this many milliseconds is not removed for another one. If the files in use exceed the
 * limit, some stay in memory and the rest is read from the disk. Without this rule, each file would remove the next one
 * to be requested, and all would be read all the time.
 */
const RECENT_MS = 1000;

/**
 * Files by name, limited in bytes. The least recently used file is removed first. Contents of a removed file count
 * until the last response that sends them is over, so that slow clients cannot hold memory beyond the limit.
 */
export class FileCache {
  private readonly limits: ServeCacheConfig;
  /** The clock, in milliseconds. */
  readonly now: () => number;
  private readonly files = new Map<string, CachedFile>();
  private newest: CachedFile | null = null;
  private oldest: CachedFile | null = null;
  /** Bytes of the files in the cache, and of removed files that are still in use. */
  private bytes = 0;

  /** @param now milliseconds of a monotonic clock */
  constructor(limits: ServeCacheConfig, now: () => number = () => performance.now()) {
    this.limits = limits;
    this.now = now;
  }

  /** Number of bytes that count towards the limit. */
  get used(): number {
    return this.bytes;
  }

  /** Number of files in the cache. */
  get count(): number {
    return this.files.size;
  }

  /** The file of that name, if it was checked within max_age. */
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
   * Adds a file, in place of the one with its name. Has no effect if there is no room, or if that one was checked
   * later. A file that already has contents stays in use meanwhile.
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

  /** Removes the file of that name, unless it was checked later than that. */
  dropOlder(name: string, checkedAt: number): void {
    const file = this.files.get(name);
    if (file !== undefined && file.checkedAt <= checkedAt) this.drop(file);
  }

  /** Removes a file. */
  drop(file: CachedFile): void {
    if (!file.cached) return;
    file.cached = false;
    this.files.delete(file.name);
    this.unlink(file);
    if (file.users === 0) this.bytes -= file.bytes;
  }

  /** Whether a representation is small enough for the cache. */
  mayHold({ size }: Representation): boolean {
    return size <= this.limits.maxFileSize && size <= this.limits.size;
  }

  /**
   * Counts contents of a file that are about to be read. Returns false if there is no room for them, or if the file is
   * neither in the cache nor in use, because then its bytes would never be subtracted again.
   */
  reserve(file: CachedFile, bytes: number): boolean {
    if (!counts(file) || !this.makeRoom(bytes)) return false;
    // The file itself may have been removed to make room, if it was not used for a while.
    if (!counts(file)) return false;
    file.bytes += bytes;
    this.bytes += bytes;
    return true;
  }

  /** Contents that were reserved for a file could not be read. Must be called while the file is in use. */
  unreserve(file: CachedFile, bytes: number): void {
    file.bytes -= bytes;
    this.bytes -= bytes;
  }

  /** Marks the contents of the file as in use until `release`, whether it is in the cache or not. */
  hold(file: CachedFile): void {
    // Another response may have started to use it before it left the cache.
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

/** Whether the bytes of a file count towards the limit. */
function counts(file: CachedFile): boolean {
  return file.cached || file.users > 0;
}
