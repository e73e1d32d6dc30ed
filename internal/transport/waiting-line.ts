import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/**
 * Sockets above max_connections that may wait to be served; further ones are closed at once. It is the length of queue
 * that kernels and other servers commonly use.
 */
const CAPACITY = 511;

interface Place {
  readonly deadline: Deadline;
  readonly onClose: () => void;
}

/** Accepted sockets that wait, unread, to be served, in the order of coming. */
export class WaitingLine {
  private readonly places = new Map<Socket, Place>();
  private readonly deadlines: Deadlines;

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines;
  }

  /** Takes in a socket for at most `milliseconds`, after which it is closed; closes it at once when the line is full. */
  add(socket: Socket, milliseconds: number): void {
    if (this.places.size >= CAPACITY) {
      socket.destroy();
      return;
    }
    const deadline = this.deadlines.create(() => socket.destroy());
    const place = { deadline, onClose: () => this.leave(socket, place) };
    this.deadlines.set(deadline, milliseconds);
    this.places.set(socket, place);
    socket.on('error', ignoreUntilServed);
    socket.once('close', place.onClose);
  }

  /** The one that has waited longest, which leaves the line; null when nobody waits any more. */
  take(): Socket | null {
    for (const [socket, place] of this.places) {
      // Whoever has gone meanwhile is not served; an end that was read already would not be told again.
      if (socket.destroyed || socket.readableEnded) {
        socket.destroy();
        continue;
      }
      this.leave(socket, place);
      return socket;
    }
    return null;
  }

  /** Closes all who wait. */
  close(): void {
    for (const socket of this.places.keys()) socket.destroy();
  }

  private leave(socket: Socket, { deadline, onClose }: Place): void {
    this.places.delete(socket);
    this.deadlines.remove(deadline);
    socket.removeListener('error', ignoreUntilServed);
    socket.removeListener('close', onClose);
  }
}

/** A connection that breaks while it waits leaves the line when it closes. */
function ignoreUntilServed(): void {}
