import { createHash } from 'node:crypto';
import { close, constants, fstat, open, read, type Stats } from 'node:fs';
import { promisify } from 'node:util';

// Descriptors cost half of what the file handles of the promise API do, and a large config has many files.
const openFile = promisify(open);
const readFrom = promisify(read);
const statOf = promisify(fstat);
const closeFile = promisify(close);

/** As large as a config file may be. What is larger is compared by size and time: it is refused at load anyway. */
const MAX_DIGEST_BYTES = 64 * 1024 * 1024;

/** Hashing this much takes about 0.1 ms, so that requests go on in between. */
const CHUNK_BYTES = 64 * 1024;

/**
 * File systems stamp changes with a coarse clock (4 to 10 ms on Linux, 2 s on FAT). A file that changed just before it
 * was read may change again within the same tick and look the same: its digest is not relied on.
 */
const CLOCK_TICK_MS = 2000;

/** A FIFO that took a file's place must not hold a thread until somebody writes to it. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** What the bytes of a file come to. */
export interface Digest {
  /** A digest of the bytes, or the system error code that reading them failed with. */
  readonly text: string;
  /** Milliseconds since the epoch of the last change of what was read; 0 when nothing could be read. */
  readonly changedAt: number;
}

interface Known extends Digest {
  readonly signature: string;
  readonly reliable: boolean;
}

/**
 * Digests of files, so that a file is only changed when its bytes are: a `touch`, a `git checkout` there and back, or a
 * write of the same text changes nothing. A file is read again only when its inode, size or times are new.
 */
export class ContentDigests {
  #known = new Map<string, Known>();
  #used = new Map<string, Known>();

  /**
   * The digest of the regular file at `path`.
   * @param stats of the file, taken before the call: a change after the reading is then seen by the next look, and one
   *   before it by `changedAt`, which is of what was read
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

  /** Ends a look at all files: what was not asked for since the last call is forgotten. */
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
      // Bounded, as somebody may append to the file faster than it is read.
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
