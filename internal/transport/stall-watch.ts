import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/** Looks in the length of a wait. What has moved is seen so much late at most; a wait without a move ends on time. */
const LOOKS = 4;

/**
 * Watches what a socket has been given to write, and tells when not one byte of it has left for some time. What the peer
 * sends meanwhile is no progress, which is why the socket's own timer will not do: reading starts it anew.
 */
export class StallWatch {
  private readonly socket: Socket;
  private readonly carrier: Socket;
  private readonly deadlines: Deadlines;
  private readonly deadline: Deadline;
  private readonly onStalled: () => void;
  private patience = 0;
  /** When the last move was seen. */
  private movedAt = 0;
  private unsentBefore = 0;
  private queuedBefore = 0;
  /** Bytes given until the last look. */
  private givenBefore = 0;
  private readonly given: () => number;

  /**
   * @param carrier what TLS runs on; the socket itself without TLS
   * @param given bytes that the socket was given so far
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

  /** Begins to watch, or goes on. */
  start(milliseconds: number): void {
    if (this.deadline.at !== 0) return;
    this.patience = milliseconds;
    this.movedAt = this.deadlines.now;
    this.note();
    this.deadlines.set(this.deadline, milliseconds / LOOKS);
  }

  /** Everything has left. */
  stop(): void {
    this.deadlines.clear(this.deadline);
  }

  /** The socket is gone. */
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

  /** @returns whether a byte has left since the last time */
  private note(): boolean {
    const given = this.given();
    const unsent = this.socket.writableLength;
    const queued = queuedBytes(this.carrier);
    // A write counts as unsent until all of it has left; how far it is, the queue of its handle tells.
    const moved = unsent - this.unsentBefore < given - this.givenBefore || queued < this.queuedBefore;
    this.givenBefore = given;
    this.unsentBefore = unsent;
    this.queuedBefore = queued;
    return moved;
  }
}

/**
 * Bytes of the writes under way that the kernel has not taken. Node does not document it, though its own socket timer
 * goes by it; 0 where a version does not tell, so that progress shows when a write is over.
 */
function queuedBytes(socket: Socket): number {
  const queued = (socket as unknown as WithHandle)[HANDLE]?.writeQueueSize;
  return typeof queued === 'number' ? queued : 0;
}

const HANDLE = '_handle';
type WithHandle = Readonly<Record<typeof HANDLE, { readonly writeQueueSize?: unknown } | null | undefined>>;
