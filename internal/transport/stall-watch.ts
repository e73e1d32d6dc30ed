import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/**
 * Number of checks within the time limit. Progress is noticed at most one check late; a wait without progress ends in
 * time.
 */
const LOOKS = 4;

/**
 * Watches the bytes that a socket has to write, and reports when not one of them was sent for some time. Bytes from the
 * peer are not progress. For that reason the socket's own timer does not suffice: reading restarts it.
 */
export class StallWatch {
  private readonly socket: Socket;
  private readonly carrier: Socket;
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly onStalled: () => void;
  private patience = 0;
  /** When progress was last noticed. */
  private movedAt = 0;
  private unsentBefore = 0;
  private queuedBefore = 0;
  /** Number of bytes given to the socket up to the last check. */
  private givenBefore = 0;
  private readonly given: () => number;

  /**
   * @param carrier the socket below TLS; the socket itself without TLS
   * @param given number of bytes given to the socket so far
   * @param onStalled called once, after which `start` begins anew
   */
  constructor(socket: Socket, carrier: Socket, deadlines: Deadlines, given: () => number, onStalled: () => void) {
    this.socket = socket;
    this.carrier = carrier;
    this.deadlines = deadlines;
    this.given = given;
    this.onStalled = onStalled;
    this.deadline = deadlines.create(() => this.look());
  }

  /** Begins to watch, or continues. */
  start(milliseconds: number): void {
    if (this.deadline.at !== 0) return;
    this.patience = milliseconds;
    this.movedAt = this.deadlines.now;
    this.note();
    this.deadlines.set(this.deadline, milliseconds / LOOKS);
  }

  /** Everything has been sent. */
  stop(): void {
    this.deadlines.clear(this.deadline);
  }

  /** The socket is closed. */
  close(): void {
    this.deadlines.remove(this.deadline);
  }

  private look(): void {
    const { now } = this.deadlines;
    if (this.socket.writableLength === 0) return;
    if (this.note()) this.movedAt = now;
    const left = this.movedAt + this.patience - now;
    if (left <= 0) this.onStalled();
    else this.deadlines.set(this.deadline, Math.min(left, this.patience / LOOKS));
  }

  /** @returns whether a byte was sent since the last check */
  private note(): boolean {
    const given = this.given();
    const unsent = this.socket.writableLength;
    const queued = queuedBytes(this.carrier);
    // A write counts as unsent until all of it was sent. The queue of the socket's handle shows how much of it remains.
    const moved = unsent - this.unsentBefore < given - this.givenBefore || queued < this.queuedBefore;
    this.givenBefore = given;
    this.unsentBefore = unsent;
    this.queuedBefore = queued;
    return moved;
  }
}

/**
 * Bytes of current writes that the kernel has not accepted yet. Node does not document this property, although its own
 * socket timer uses it. 0 if a version of Node does not have it; progress is then noticed when a write is over.
 */
function queuedBytes(socket: Socket): number {
  const queued = (socket as unknown as WithHandle)[HANDLE]?.writeQueueSize;
  return typeof queued === 'number' ? queued : 0;
}

const HANDLE = '_handle';
type WithHandle = Readonly<Record<typeof HANDLE, { readonly writeQueueSize?: unknown } | null | undefined>>;
