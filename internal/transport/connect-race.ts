import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/** Milliseconds before the next address is tried beside one that does not answer (RFC 8305 §5). */
const ATTEMPT_DELAY_MS = 250;

/** Addresses that one dial tries: more do not fit into the time that a dial has. */
const MAX_ATTEMPTS = 16;

/** What a race does for its dial. */
export interface RaceOwner {
  /** Begins to connect. */
  connectTo(address: string): Socket;
  /** The first that has connected; all others are gone. */
  onConnected(socket: Socket, address: string): void;
  /** None has connected. */
  onNotConnected(error: Error): void;
}

/**
 * Connects to the first of several addresses that takes it. One that refuses makes way for the next at once, one that is
 * silent gets company after a delay and goes on: the slow one may be the only one that works.
 */
export class ConnectRace {
  private readonly owner: RaceOwner;
  private readonly deadlines: Deadlines;
  private readonly addresses: readonly string[];
  private readonly delay: Deadline;
  private readonly sockets = new Set<Socket>();
  private readonly errors: Error[] = [];
  private next = 0;

  constructor(addresses: readonly string[], deadlines: Deadlines, owner: RaceOwner) {
    this.owner = owner;
    this.deadlines = deadlines;
    this.addresses = addresses.slice(0, MAX_ATTEMPTS);
    this.delay = deadlines.create(() => this.attempt());
  }

  /** Tries the first address. */
  start(): void {
    this.attempt();
  }

  /** Gives up. */
  cancel(): void {
    this.deadlines.remove(this.delay);
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  private attempt(): void {
    const address = this.addresses[this.next++];
    if (address === undefined) return;
    const socket = this.owner.connectTo(address);
    this.sockets.add(socket);
    const onError = (error: Error): void => {
      if (this.sockets.delete(socket)) this.failed(error);
    };
    socket.on('error', onError);
    socket.once('connect', () => {
      if (!this.sockets.delete(socket)) return;
      this.cancel();
      socket.removeListener('error', onError);
      this.owner.onConnected(socket, address);
    });
    if (this.next < this.addresses.length) this.deadlines.set(this.delay, ATTEMPT_DELAY_MS);
  }

  private failed(error: Error): void {
    this.errors.push(error);
    if (this.next < this.addresses.length) return this.attempt();
    if (this.sockets.size === 0) this.owner.onNotConnected(joined(this.errors));
  }
}

/** What all attempts have come to, in one error. */
function joined(errors: readonly Error[]): Error {
  const [first] = errors;
  if (errors.length === 1 && first !== undefined) return first;
  return new Error(errors.map(({ message }) => message).join('; '), { cause: first });
}
