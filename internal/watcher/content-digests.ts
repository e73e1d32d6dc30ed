import { createHash } from 'node:crypto';
import { close, constants, fstat, open, read, type Stats } from 'node:fs';
import { promisify } from 'node:util';

// Descriptors cost half as much as the file handles of the promise API, and a large config has many files.
const openFile = promisify(open);
const readFrom = promisify(read);
const statOf = promisify(fstat);
const closeFile = promisify(close);

/** The maximum size of a config file. A larger file is compared by size and time; loading it fails anyway. */
const MAX_DIGEST_BYTES = 64 * 1024 * 1024;

/** Hashing this many bytes takes about 0.1 ms, so that requests are served in between. */
const CHUNK_BYTES = 64 * 1024;

/**
 * File systems record changes with a coarse clock (4 to 10 ms on Linux, 2 s on FAT). A file that changed just before it
 * was read may change again within the same tick and look unchanged, so its digest is not relied on.
 */
const CLOCK_TICK_MS = 2000;

/** Without O_NONBLOCK, a FIFO in the place of a file would block a thread until another process writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The digest of a file. */
export interface Digest {
  /** A digest of the bytes, or the system error code of the failed read. */
  readonly text: string;
  /**
   * Time of the last change of the bytes that were read, in milliseconds since the epoch; 0 if they could not be read.
   */
  readonly changedAt: number;
}

interface Known extends Digest {
  readonly signature: string;
  readonly reliable: boolean;
}

/**
 * Digests of files, so that a file counts as changed only if its bytes are different. A `touch`, a `git checkout` there
 * and back, and a write of the same text change nothing. A file is read again only if its inode, size or times are new.
 */
export class ContentDigests {
  #known = new Map<string, Known>();
  #used = new Map<string, Known>();

  /**
   * The digest of the regular file at `path`.
   * @param stats of the file, taken before the call. The next look then notices a change after the reading;
   * `changedAt`, which belongs to the bytes that were read, shows a change before it.
   */
  async digest(path: string, stats: Stats): Promise<Digest> {
    if (stats.size > MAX_DIGEST_BYTES) {
      return { text: `large ${stats.size} ${stats.mtimeMs}`, changedAt: stats.ctimeMs };
    }
    const signature = `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}:${stats.ctimeMs}:${stats.mode}`;
    let known = this.#used.get(path) ?? this.#known.get(path);
    if (known === undefined || known.signature !== signature || !known.reliable) {
      const reliable = Math.abs(Date.now() - stats.ctimeMs) > CLOCK_TICK_MS;
      known = { signature, ...(await digestOf(path, stats.size)), reliable };
    }
    this.#used.set(path, known);
    return known;
  }

  /** Ends a look at all files: discards digests that were not requested since the last call. */
  sweep(): void {
    this.#known = this.#used;
    this.#used = new Map();
  }
}

async function digestOf(path: string, size: number): Promise<Digest> {
  try {
    const file = await openFile(path, OPEN_FLAGS);
    try {
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size + 1));
      // Limited, because another process may append to the file faster than it is read.
      for (let total = 0; total <= MAX_DIGEST_BYTES;) {
        const { bytesRead } = await readFrom(file, buffer, 0, buffer.length, null);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        total += bytesRead;
      }
      return { text: hash.digest('base64'), changedAt: (await statOf(file)).ctimeMs };
    } finally {
      await closeFile(file);
    }
  } catch (error) {
    return { text: (error as NodeJS.ErrnoException).code ?? 'EUNKNOWN', changedAt: 0 };
  }
}
