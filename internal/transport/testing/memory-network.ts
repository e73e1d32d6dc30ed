import { EventEmitter } from 'node:events';
import type { NetConnectOpts, Server, ServerOpts, Socket } from 'node:net';
import type { ServerHandle } from '../bound-address.ts';
import type { Network } from '../network.ts';
import { MemoryClient } from './memory-client.ts';
import { asSocket, failure, type MemoryAddress, MemorySocket, type MemorySocketOptions } from './memory-socket.ts';

/** A bound address: its queue of connections, and the listeners that accept from it. */
class Bound {
  readonly local: MemoryAddress;
  /** Descriptors of the socket that are open. */
  handles = 0;
  /** Has been listened with: connections are queued from then on. */
  listening = false;
  readonly queue: MemorySocket[] = [];
  readonly servers: MemoryServer[] = [];

  constructor(local: MemoryAddress) {
    this.local = local;
  }

  /** A connection has come: one of the servers accepts it, or it waits for the next. */
  push(socket: MemorySocket): void {
    this.queue.push(socket);
    process.nextTick(() => this.serve());
  }

  serve(): void {
    const [server] = this.servers;
    if (server === undefined) return;
    for (const socket of this.queue.splice(0)) server.accept(socket);
  }

  closed(): void {
    if (--this.handles > 0) return;
    this.listening = false;
    for (const socket of this.queue.splice(0)) socket.resetAndDestroy();
  }
}

/** One descriptor of a bound socket. */
class MemoryHandle implements ServerHandle {
  readonly bound: Bound;
  /** Code of the error that listening ends with; empty for none. */
  readonly refusal: string;
  #open = true;

  constructor(bound: Bound, refusal = '') {
    this.bound = bound;
    this.refusal = refusal;
    bound.handles++;
  }

  /** Another descriptor of the same socket, as a message to another process makes one. */
  duplicate(): MemoryHandle {
    return new MemoryHandle(this.bound);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.bound.closed();
  }
}

/** What Listener uses of a net.Server. */
class MemoryServer extends EventEmitter {
  listening = false;
  readonly #options: ServerOpts;
  readonly #onConnection: (socket: Socket) => void;
  #handle: MemoryHandle | null = null;

  constructor(options: ServerOpts, onConnection: (socket: Socket) => void) {
    super();
    this.#options = options;
    this.#onConnection = onConnection;
  }

  /** @param handle made by `MemoryNetwork.bind` */
  listen(handle: ServerHandle): this {
    if (!(handle instanceof MemoryHandle)) throw new TypeError('not an address of a network in memory');
    if (handle.refusal !== '') {
      handle.close();
      process.nextTick(() => this.emit('error', failure(handle.refusal, 'listen')));
      return this;
    }
    this.#handle = handle;
    this.listening = true;
    handle.bound.listening = true;
    handle.bound.servers.push(this);
    process.nextTick(() => {
      this.emit('listening');
      handle.bound.serve();
    });
    return this;
  }

  close(): this {
    const handle = this.#handle;
    this.#handle = null;
    this.listening = false;
    if (handle === null) return this;
    handle.bound.servers.splice(handle.bound.servers.indexOf(this), 1);
    handle.close();
    return this;
  }

  accept(connected: MemorySocket): void {
    const accepted = connected.partner({ highWaterMark: this.#options.highWaterMark });
    this.#onConnection(asSocket(accepted));
  }
}

/** A network without a kernel, for listeners, dials, and the clients and upstreams of tests. */
export class MemoryNetwork implements Network {
  readonly #addresses = new Map<number, Bound>();
  readonly #clients: MemoryClient[] = [];
  #nextPort = 40_000;

  /**
   * Binds a port of 127.0.0.1. @throws Error with code EADDRINUSE
   * @param refusal code of the error that listening ends with, as when another process listens to the address already
   */
  bind(port: number, refusal = ''): ServerHandle & { duplicate(): ServerHandle } {
    const before = this.#addresses.get(port);
    if (before !== undefined && before.handles > 0) throw failure('EADDRINUSE', 'bind');
    const bound = new Bound({ address: '127.0.0.1', port });
    this.#addresses.set(port, bound);
    return new MemoryHandle(bound, refusal);
  }

  /** Whether connections to that port are taken, or wait to be. */
  isListening(port: number): boolean {
    return this.#addresses.get(port)?.listening ?? false;
  }

  /** Connects a client of a test. @throws Error with code ECONNREFUSED */
  client(port: number, from = '127.0.0.1'): MemoryClient {
    const bound = this.#addresses.get(port);
    if (bound === undefined || !bound.listening) throw failure('ECONNREFUSED', 'connect');
    const socket = new MemorySocket({ address: from, port: this.#nextPort++ }, bound.local);
    bound.push(socket);
    const client = new MemoryClient(socket);
    this.#clients.push(client);
    return client;
  }

  /** Closes every client. */
  async closeClients(): Promise<void> {
    for (const client of this.#clients.splice(0)) await client.close();
  }

  createServer(options: ServerOpts, onConnection: (socket: Socket) => void): Server {
    return new MemoryServer(options, onConnection) as unknown as Server;
  }

  /** Serves a port as an upstream of a test. @param serve given each connection */
  upstream(port: number, serve: (client: MemoryClient) => void): void {
    const server = new MemoryServer({}, (socket) => serve(new MemoryClient(socket as unknown as MemorySocket)));
    server.listen(this.bind(port));
  }

  connect(options: NetConnectOpts): Socket {
    const { port, highWaterMark, onread } = options as MemorySocketOptions & { readonly port?: number };
    const bound = port === undefined ? undefined : this.#addresses.get(port);
    const local = { address: '127.0.0.1', port: this.#nextPort++ };
    const socket = new MemorySocket(local, bound?.local ?? { address: '127.0.0.1', port: 0 }, {
      highWaterMark,
      onread,
    });
    process.nextTick(() => {
      if (socket.destroyed) return;
      if (bound === undefined || !bound.listening) {
        socket.destroy(failure('ECONNREFUSED', 'connect'));
        return;
      }
      bound.push(socket);
      socket.emit('connect');
    });
    return asSocket(socket);
  }
}
