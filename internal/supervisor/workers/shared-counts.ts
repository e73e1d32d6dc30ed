import { openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Siblings } from '../../transport/index.ts';

/**
 * The number of connections of each worker, visible to all workers: in a file without a name, which the supervisor
 * opens and the workers inherit. Node has no memory that processes share. The file is nearly as good: a read or a write
 * takes some 0.8 µs, and neither waits for another process, as a message would.
 *
 *     place of a worker, 8 bytes:  connections │ time of the last write, 0 while it accepts none
 *
 * A worker writes ten times a second, so that a blocked worker is recognised, and also when its count has changed by a
 * few.
 */
export class SharedCounts implements Siblings {
  private readonly fd: number;
  private readonly offset: number;
  private readonly own = Buffer.alloc(PLACE_BYTES);
  private readonly all: Buffer;
  private readonly timer: NodeJS.Timeout;
  private connections = 0;
  private accepting = false;
  private written = 0;
  /** The mean number of connections of a worker, when last read. */
  private mean = 0;

  /**
   * @param fd descriptor of the file
   * @param workers number of places
   * @param worker number of this worker, from 1
   */
  constructor(fd: number, workers: number, worker: number) {
    this.fd = fd;
    this.offset = (worker - 1) * PLACE_BYTES;
    this.all = Buffer.alloc(workers * PLACE_BYTES);
    this.timer = setInterval(() => this.tick(), WRITE_EVERY);
    this.timer.unref();
  }

  note(connections: number, accepting: boolean): void {
    this.connections = connections;
    const change = Math.abs(connections - this.written);
    if (accepting === this.accepting && change < 2 + (this.written >> COARSE)) return;
    this.accepting = accepting;
    this.write();
  }

  ahead(connections: number): boolean {
    if (connections <= this.mean + leadOver(this.mean)) return false;
    this.look(connections);
    return connections > this.mean + leadOver(this.mean);
  }

  level(connections: number): boolean {
    this.look(connections);
    return connections <= this.mean + 1;
  }

  flush(): void {
    if (this.connections !== this.written) this.write();
  }

  private tick(): void {
    // The mean may be out of date. A mean that is too low only causes another read.
    this.mean = Math.min(this.mean, this.connections);
    this.write();
  }

  private write(): void {
    this.written = this.connections;
    this.own.writeUInt32LE(this.connections, 0);
    this.own.writeUInt32LE(this.accepting ? now() : 0, 4);
    try {
      writeSync(this.fd, this.own, 0, PLACE_BYTES, this.offset);
    } catch {
      // The disk is full: the other workers regard this one as blocked, and accept without waiting for it.
    }
  }

  /** Computes the mean of this worker and all others that accept and are alive. */
  private look(connections: number): void {
    let length = 0;
    try {
      length = readSync(this.fd, this.all, 0, this.all.length, 0);
    } catch {
      // Continues as if this were the only worker.
    }
    const time = now();
    let sum = connections;
    let workers = 1;
    for (let at = 0; at + PLACE_BYTES <= length; at += PLACE_BYTES) {
      const written = this.all.readUInt32LE(at + 4);
      if (at === this.offset || written === 0 || (time - written) >>> 0 > STALE_AFTER) continue;
      sum += this.all.readUInt32LE(at);
      workers++;
    }
    this.mean = sum / workers;
  }
}

const PLACE_BYTES = 8;

/** Milliseconds between two writes. */
const WRITE_EVERY = 100;

/** Milliseconds without a write after which a worker counts as blocked; the others do not wait for it. */
const STALE_AFTER = 350;

/** A change is written if it is at least one part in 2^5, or 2 if the count is small. */
const COARSE = 5;

/** A worker is ahead with this many connections more than the mean, or this part of the mean if that is more. */
const LEAD = 3;
const LEAD_PART = 1 / 12;

function leadOver(mean: number): number {
  return Math.max(LEAD, mean * LEAD_PART);
}

/** Milliseconds, in 32 bits, of a system clock that all processes share and that cannot be set; never 0. */
function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1000 + Math.floor(nanoseconds / 1e6)) >>> 0 || 1;
}

/** Memory is preferred, because a disk may be slow. */
const FOLDERS = ['/dev/shm', tmpdir()];

/** Opens a file without a name for the counts. @returns null if none can be created */
export function openSharedCounts(): number | null {
  for (const folder of FOLDERS) {
    const path = join(folder, `prox-counts-${process.pid}`);
    try {
      const fd = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return fd;
    } catch {
      // The next folder may be writable.
    }
  }
  return null;
}

/** Clears the place of a worker that has ended. */
export function clearCount(fd: number, worker: number): void {
  try {
    writeSync(fd, Buffer.alloc(PLACE_BYTES), 0, PLACE_BYTES, (worker - 1) * PLACE_BYTES);
  } catch {
    // The place will be out of date in a moment.
  }
}
