import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Deadlines } from '../base/index.ts';
import { Connection, type ConnectionHandler } from './connection.ts';

/** An address to listen on. */
export type BindAddress =
  | { readonly kind: 'tcp'; readonly host: string | null; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

/** Settings of accepted sockets. They may change while the listener stands: new connections get the new ones. */
export interface ListenerOptions {
  /** Connections served at once; 0 = no limit. */
  maxConnections: number;
  /** Milliseconds between TCP keep-alive probes; 0 = none. */
  keepAlive: number;
  /** Bytes that wait to be sent before a connection counts as full. */
  writeBufferSize: number;
  /** Told of errors of accepting (EMFILE …); the listener goes on. */
  report: (error: Error) => void;
}

/** Makes the handler of an accepted connection. */
export type Accept = (connection: Connection) => ConnectionHandler;

/**
 * Connections above max_connections that may wait to be served; further ones are closed at once. It is the length
 * of queue that kernels and other servers commonly use.
 */
const WAITING_CONNECTIONS = 511;

/** Until `accept` has answered, nothing can come. */
const UNACCEPTED: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onDeadline() {},
  onClose() {},
  onBroken() {},
};

/** A bound address and the connections that came in by it. */
export class Listener {
  readonly address: BindAddress;
  readonly options: ListenerOptions;
  /** Connections being served. */
  active = 0;
  private readonly server: Server;
  private readonly deadlines: Deadlines;
  private readonly accept: Accept;
  private readonly waiting: Socket[] = [];

  private constructor(address: BindAddress, options: ListenerOptions, deadlines: Deadlines, accept: Accept) {
    this.address = address;
    this.options = options;
    this.deadlines = deadlines;
    this.accept = accept;
    this.server = createServer(
      {
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: options.keepAlive > 0,
        keepAliveInitialDelay: options.keepAlive,
        highWaterMark: options.writeBufferSize,
      },
      (socket) => this.serverOnConnection(socket),
    );
  }

  /**
   * Binds the address and accepts from then on. A unix socket that nobody listens on any more is replaced.
   * @throws Error of the system (EADDRINUSE, EACCES …) when the address cannot be bound.
   */
  static async bind(
    address: BindAddress,
    options: ListenerOptions,
    deadlines: Deadlines,
    accept: Accept,
  ): Promise<Listener> {
    const listener = new Listener(address, options, deadlines, accept);
    try {
      await listener.listen();
    } catch (error) {
      if (address.kind !== 'unix' || !(await isStale(address.path, error))) throw error;
      await rm(address.path, { force: true });
      await listener.listen();
    }
    return listener;
  }

  /** The port that was bound; differs from the address when that asks for port 0. 0 on a unix socket. */
  get port(): number {
    const bound = this.server.address();
    return bound !== null && typeof bound === 'object' ? bound.port : 0;
  }

  /** Stops accepting. Connections that are being served go on; those that wait are closed. */
  close(): void {
    this.server.close();
    for (const socket of this.waiting.splice(0)) socket.destroy();
  }

  private listen(): Promise<void> {
    const { server, address } = this;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      const listening = (): void => {
        server.removeListener('error', reject);
        // Accepting can fail later, for want of descriptors: the next connection may fare better.
        server.on('error', (error) => this.options.report(error));
        resolve();
      };
      if (address.kind === 'unix') server.listen({ path: address.path }, listening);
      else if (address.host === null) server.listen({ port: address.port }, listening);
      else server.listen({ port: address.port, host: address.host }, listening);
    });
  }

  private serverOnConnection(socket: Socket): void {
    const { maxConnections } = this.options;
    if (maxConnections === 0 || this.active < maxConnections) return this.serve(socket);
    if (this.waiting.length >= WAITING_CONNECTIONS) {
      socket.destroy();
      return;
    }
    this.waiting.push(socket);
    socket.on('error', ignoreUntilServed);
    socket.once('close', () => this.waitingOnClose(socket));
  }

  private serve(socket: Socket): void {
    this.active++;
    socket.once('close', () => this.socketOnClose());
    const connection = new Connection(socket, this.deadlines, UNACCEPTED);
    connection.handler = this.accept(connection);
  }

  private waitingOnClose(socket: Socket): void {
    const index = this.waiting.indexOf(socket);
    if (index >= 0) this.waiting.splice(index, 1);
  }

  private socketOnClose(): void {
    this.active--;
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
      next.removeListener('error', ignoreUntilServed);
      // Whoever has gone while it waited is not served; an end that was read already would not be told again.
      if (next.destroyed || next.readableEnded) {
        next.destroy();
        continue;
      }
      this.serve(next);
      return;
    }
  }
}

/** A connection that breaks while it waits leaves the queue when it closes. */
function ignoreUntilServed(): void {}

/** Whether a unix socket is in use by name only: its file is there, but nobody answers. */
async function isStale(path: string, error: unknown): Promise<boolean> {
  if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) return false;
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (cause) => resolve('code' in cause && cause.code === 'ECONNREFUSED'));
  });
}
