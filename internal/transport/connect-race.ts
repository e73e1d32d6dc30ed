import type { Socket } from 'node:net';
import type { Deadline, Deadlines } from '../base/index.ts';

/** Milliseconds after which the next address is also tried if one does not answer (RFC 8305 §5). */
const ATTEMPT_DELAY_MS = 250;

/** Number of addresses that one dial tries; more would not fit into its time. */
const MAX_ATTEMPTS = 16;

/** The dial that owns a race. */
export interface RaceOwner {
  /** Begins to connect. */
  connectTo(address: string): Socket;
  /** The first socket has connected; all others are closed. */
  onConnected(socket: Socket, address: string): void;
  /** No socket could connect. */
  onNotConnected(error: Error): void;
}

/**
 * Connects to the first of several addresses that accepts the connection. After an address refuses, the next one is
 * tried at once. If an address is silent, the next one is also tried after a delay; the silent attempt continues,
 * because it may be the only one that works.
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

/** The errors of all attempts, as one error. */
function joined(errors: readonly Error[]): Error {
  const [first] = errors;
  if (errors.length === 1 && first !== undefined) return first;
  return new Error(errors.map(({ message }) => message).join('; '), { cause: first });
}
