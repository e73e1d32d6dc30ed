import { openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Siblings } from '../../transport/index.ts';

/**
 * How many connections each worker has, where all workers see it: in a file without a name, which the supervisor opens
 * and the workers inherit. Node has no memory that processes share; this is the next best thing, some 0.8 µs for a look
 * or a write, and neither of them waits for another process, as a message would.
 *
 *     place of a worker, 8 bytes:  connections │ time of the last write, 0 while it accepts none
 *
 * A worker writes ten times a second, so that one that stands still is known, and when its count has changed by a few.
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
  /** How many a worker had on average, when it was last looked at. */
  private mean = 0;

  /**
   * @param fd of the file
   * @param workers how many places it has
   * @param worker whose place this is, from 1
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
    // What was the mean may be long over. One that is too low only leads to another look.
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
      // A full disk: the others take this worker for one that stands still, and accept without regard to it.
    }
  }

  /** Takes the mean over this worker and all others that accept and are alive. */
  private look(connections: number): void {
    let length = 0;
    try {
      length = readSync(this.fd, this.all, 0, this.all.length, 0);
    } catch {
      // As if it was alone.
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

/** Milliseconds between two signs of life. */
const WRITE_EVERY = 100;

/** Milliseconds without a sign of life after which a worker stands still, and is not waited for. */
const STALE_AFTER = 350;

/** A change of one part in 2^5 is told to the others, and of 2 where there are few. */
const COARSE = 5;

/** A worker is ahead with this many connections more than the mean, or this part of the mean if that is more. */
const LEAD = 3;
const LEAD_PART = 1 / 12;

function leadOver(mean: number): number {
  return Math.max(LEAD, mean * LEAD_PART);
}

/** Milliseconds on the clock of the system that all its processes share and nobody sets, in 32 bits; never 0. */
function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return (seconds * 1000 + Math.floor(nanoseconds / 1e6)) >>> 0 || 1;
}

/** Memory by preference: a disk may be slow. */
const FOLDERS = ['/dev/shm', tmpdir()];

/** Opens a file for the counts, which has no name any more. @returns null where none can be made */
export function openSharedCounts(): number | null {
  for (const folder of FOLDERS) {
    const path = join(folder, `prox-counts-${process.pid}`);
    try {
      const fd = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return fd;
    } catch {
      // The next one may be writable.
    }
  }
  return null;
}

/** Forgets what a worker that has ended has written last. */
export function clearCount(fd: number, worker: number): void {
  try {
    writeSync(fd, Buffer.alloc(PLACE_BYTES), 0, PLACE_BYTES, (worker - 1) * PLACE_BYTES);
  } catch {
    // It is stale in a moment.
  }
}
