import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Deadlines } from '../base/index.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import { WaitingLine } from './waiting-line.ts';

/** An address to listen on. */
export type BindAddress =
  | { readonly kind: 'tcp'; readonly host: string | null; readonly port: number; readonly text: string }
  | { readonly kind: 'unix'; readonly path: string; readonly text: string };

/** Settings of accepted sockets that may change while the listener stands: new connections get the new ones. */
export interface ListenerSettings {
  /** Connections served at once; 0 = no limit. */
  readonly maxConnections: number;
  /** Milliseconds that a connection above it may wait to be served; then it is closed. */
  readonly maxWait: number;
  /** Milliseconds between TCP keep-alive probes; 0 = none. */
  readonly keepAlive: number;
}

/** What is fixed with the address. */
export interface ListenerOptions {
  /** Bytes that wait to be sent before a connection counts as full. Node gives it to sockets by their server alone. */
  readonly writeBufferSize: number;
  /** Told of errors of accepting (EMFILE …); the listener goes on. */
  readonly report: (error: Error) => void;
}

/** Makes the handler of an accepted connection. */
export type Accept = (connection: Connection) => ConnectionHandler;

/** Until `accept` has answered, nothing can come. */
const UNACCEPTED: ConnectionHandler = {
  onData() {},
  onEnd() {},
  onDrain() {},
  onDeadline() {},
  onClose() {},
  onBroken() {},
};

/**
 * A bound address and the connections that came in by it.
 *
 *     bind ──> accepting ──suspend──> suspended ──close──> closed
 *                 │  ↑                    │
 *                 │  └──────resume────────┘
 *                 └──close──> closed
 */
export class Listener {
  readonly address: BindAddress;
  /** Connections being served. */
  private active = 0;
  private settings: ListenerSettings;
  private readonly options: ListenerOptions;
  private readonly server: Server;
  private readonly deadlines: Deadlines;
  private readonly accept: Accept;
  private readonly waiting: WaitingLine;
  /** Ends the attempt to listen that is under way. */
  private refuse: ((error: Error) => void) | null = null;

  private constructor(
    address: BindAddress,
    settings: ListenerSettings,
    options: ListenerOptions,
    deadlines: Deadlines,
    accept: Accept,
  ) {
    this.address = address;
    this.settings = settings;
    this.options = options;
    this.deadlines = deadlines;
    this.accept = accept;
    this.waiting = new WaitingLine(deadlines);
    this.server = createServer(
      { allowHalfOpen: true, noDelay: true, highWaterMark: options.writeBufferSize },
      (socket) => this.serverOnConnection(socket),
    );
    this.server.on('error', (error) => this.serverOnError(error));
  }

  /**
   * Binds the address and accepts from then on. A unix socket that nobody listens on any more is replaced.
   * @throws Error of the system (EADDRINUSE, EACCES …) when the address cannot be bound.
   */
  static async bind(
    address: BindAddress,
    settings: ListenerSettings,
    options: ListenerOptions,
    deadlines: Deadlines,
    accept: Accept,
  ): Promise<Listener> {
    const listener = new Listener(address, settings, options, deadlines, accept);
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

  /** Puts other settings in force. Whoever waits and may be served by them is. */
  adopt(settings: ListenerSettings): void {
    this.settings = settings;
    this.serveWaiting();
  }

  /** Stops accepting for now. Connections that are being served go on, those that wait go on waiting. */
  suspend(): void {
    this.server.close();
  }

  /** Accepts again after `suspend`. @throws Error of the system */
  resume(): Promise<void> {
    return this.listen();
  }

  /** Stops accepting. Connections that are being served go on; those that wait are closed. */
  close(): void {
    this.server.close();
    this.waiting.close();
  }

  private listen(): Promise<void> {
    const { server, address } = this;
    return new Promise((resolve, reject) => {
      const listening = (): void => {
        this.refuse = null;
        resolve();
      };
      this.refuse = (error) => {
        server.removeListener('listening', listening);
        reject(error);
      };
      server.once('listening', listening);
      if (address.kind === 'unix') server.listen({ path: address.path });
      else if (address.host === null) server.listen({ port: address.port });
      else server.listen({ port: address.port, host: address.host });
    });
  }

  private serverOnError(error: Error): void {
    const { refuse } = this;
    this.refuse = null;
    // Accepting can fail later, for want of descriptors: the next connection may fare better.
    if (refuse === null) this.options.report(error);
    else refuse(error);
  }

  private serverOnConnection(socket: Socket): void {
    if (this.full) this.waiting.add(socket, this.settings.maxWait);
    else this.serve(socket);
  }

  private get full(): boolean {
    const { maxConnections } = this.settings;
    return maxConnections !== 0 && this.active >= maxConnections;
  }

  private serve(socket: Socket): void {
    this.active++;
    socket.once('close', () => this.socketOnClose());
    const { keepAlive } = this.settings;
    if (keepAlive > 0) socket.setKeepAlive(true, keepAlive);
    const connection = new Connection(socket, this.deadlines, UNACCEPTED);
    connection.handler = this.accept(connection);
  }

  private socketOnClose(): void {
    this.active--;
    this.serveWaiting();
  }

  private serveWaiting(): void {
    while (!this.full) {
      const next = this.waiting.take();
      if (next === null) return;
      this.serve(next);
    }
  }
}

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
