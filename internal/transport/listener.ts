import { createServer, type Server, type Socket } from 'node:net';
import type { Deadlines } from '../base/index.ts';
import type { ServerHandle } from './bound-address.ts';
import { Connection, type ConnectionHandler } from './connection.ts';
import { NOBODY } from './nobody.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * Connections that the kernel keeps for a listener that is slow to accept, or for the next worker when one died: as
 * many as most systems allow (net.core.somaxconn), and enough for half a second at 8,000 new connections a second.
 */
const BACKLOG = 4096;

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

/**
 * A bound address and the connections that came in by it.
 *
 *     listen ──> held ──open──> accepting ──suspend──> suspended ──close──> closed
 *                  │               │  ↑                    │
 *                  │               │  └──────resume────────┘
 *                  └───────────────┴──close──> closed
 *
 * A held listener takes connections in and lets them wait, unread, as those above maxConnections: whether the config
 * that they are for comes in force is not known yet.
 */
export class Listener {
  /** Connections being served. */
  private active = 0;
  private held = true;
  private settings: ListenerSettings;
  private readonly options: ListenerOptions;
  private readonly server: Server;
  private readonly deadlines: Deadlines;
  private readonly accept: Accept;
  private readonly waiting: WaitingLine;
  /** Ends the attempt to listen that is under way. */
  private refuse: ((error: Error) => void) | null = null;

  private constructor(settings: ListenerSettings, options: ListenerOptions, deadlines: Deadlines, accept: Accept) {
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
   * Listens on a bound socket, which belongs to the listener from then on; connections wait until `open`.
   * @throws Error of the system (EADDRINUSE when somebody else has bound and listens to the address)
   */
  static async listen(
    handle: ServerHandle,
    settings: ListenerSettings,
    options: ListenerOptions,
    deadlines: Deadlines,
    accept: Accept,
  ): Promise<Listener> {
    const listener = new Listener(settings, options, deadlines, accept);
    await listener.attach(handle);
    return listener;
  }

  /** Serves those that wait and those that come. */
  open(): void {
    this.held = false;
    this.serveWaiting();
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

  /** Accepts again after `suspend`, from a socket that is bound to the same address. @throws Error of the system */
  resume(handle: ServerHandle): Promise<void> {
    return this.attach(handle);
  }

  /** Stops accepting. Connections that are being served go on; those that wait are closed. */
  close(): void {
    this.server.close();
    this.waiting.close();
  }

  private attach(handle: ServerHandle): Promise<void> {
    const { server } = this;
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
      server.listen(handle, BACKLOG);
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
    return this.held || (maxConnections !== 0 && this.active >= maxConnections);
  }

  private serve(socket: Socket): void {
    this.active++;
    socket.once('close', () => this.socketOnClose());
    const { keepAlive } = this.settings;
    if (keepAlive > 0) socket.setKeepAlive(true, keepAlive);
    const connection = new Connection(socket, this.deadlines, NOBODY);
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
