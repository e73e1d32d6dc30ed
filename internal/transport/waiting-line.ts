import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/**
 * Number of sockets above max_connections that may wait to be served; further ones are closed at once. Kernels and
 * other servers commonly use this length of a queue.
 */
const CAPACITY = 511;

interface Place {
  readonly deadline: Deadline;
  readonly onClose: () => void;
}

/** Accepted sockets that wait, unread, to be served in the order in which they arrived. */
export class WaitingLine {
  private readonly places = new Map<Socket, Place>();
  private readonly deadlines: Deadlines;

  constructor(deadlines: Deadlines) {
    this.deadlines = deadlines;
  }

  /** Adds a socket for at most `milliseconds`, after which it is closed. Closes it at once if the line is full. */
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

  /** Removes and returns the socket that has waited longest; null if the line is empty. */
  take(): Socket | null {
    for (const [socket, place] of this.places) {
      // Skips a socket that has closed in the meantime. An end that was already read would not be reported again.
      if (socket.destroyed || socket.readableEnded) {
        socket.destroy();
        continue;
      }
      this.leave(socket, place);
      return socket;
    }
    return null;
  }

  /** Closes all waiting sockets. */
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
