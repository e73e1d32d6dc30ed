import type { Server, Socket } from 'node:net';
import type { Deadlines } from '../base/index.ts';
import type { Admission, Gated } from './admission.ts';
import type { ServerHandle } from './bound-address.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { Connection } from './connection.ts';
import { IDLE_HANDLER } from './idle-handler.ts';
import type { Network } from './network.ts';
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
  /** Told of errors of accepting (ENFILE …); the listener goes on. */
  readonly report: (error: Error) => void;
  readonly admission: Admission;
  readonly network: Network;
  /**
   * Asks for another socket on the same address, which `giveSpare` brings. Null where there is none: such a listener
   * cannot stop accepting for a while, and takes connections in that have to wait.
   */
  readonly wantSpare: (() => void) | null;
}

/**
 * Descriptors of its socket that a listener has in store. With one it could stop once and go on, and would then take all
 * that wait before the next one comes: libuv accepts until nothing is left, and reads no messages meanwhile.
 */
const SPARES = 3;

/** Milliseconds after which one connection below maxConnections is enough to accept again: each time costs 0.2 ms. */
const REOPEN_AFTER = 20;

/** Makes the handler of an accepted connection. */
export type Accept = (connection: Connection) => ConnectionHandler;

/**
 * A bound address and the connections that came in by it.
 *
 *     listen ──> held ──open──> serving ──suspend──> suspended ──close──> closed
 *                  │             │  ↑                    │
 *                  │             │  └──────resume────────┘
 *                  └─────────────┴──close──> closed
 *
 * A held listener takes connections in and lets them wait, unread: whether the config that they are for comes in force
 * is not known yet.
 *
 * In all states but the last two it has a door. Node has no word for "accept no more for now", but a socket that
 * another process holds too can be closed without harm: the connections wait in the kernel's queue. To accept again
 * takes another descriptor of that socket: a spare, of which it has a few in store.
 *
 *     open ──shut──> shut ──reopen, with a spare──> open
 */
export class Listener implements Gated {
  /** Connections being served. */
  private active = 0;
  private held = true;
  private door: 'open' | 'shut' | 'gone' = 'gone';
  private readonly spares: ServerHandle[] = [];
  /** Spares that were asked for and have not come. */
  private wanted = 0;
  private yields = false;
  private reopening: NodeJS.Timeout | null = null;
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
    this.server = options.network.createServer(
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
    this.regulate();
  }

  /** Puts other settings in force. Connections that wait and may be served by them are. */
  adopt(settings: ListenerSettings): void {
    this.settings = settings;
    this.serveWaiting();
    this.regulate();
  }

  /** Stops accepting for now. Connections that are being served go on, those that wait go on waiting. */
  suspend(): void {
    this.leave();
  }

  /** Accepts again after `suspend`, from a socket that is bound to the same address. @throws Error of the system */
  resume(handle: ServerHandle): Promise<void> {
    return this.attach(handle);
  }

  /** Stops accepting. Connections that are being served go on; those that wait are closed. */
  close(): void {
    this.leave();
    this.waiting.close();
  }

  /** Brings the socket that was asked for by `wantSpare`; undefined when the system could not pass it on. */
  giveSpare(handle: ServerHandle | undefined): void {
    this.wanted = Math.max(0, this.wanted - 1);
    if (handle === undefined) {
      this.reopening ??= setTimeout(() => this.reopenLater(), REOPEN_AFTER).unref();
      return;
    }
    if (this.door === 'gone' || this.spares.length >= SPARES) {
      handle.close();
      return;
    }
    this.spares.push(handle);
    this.regulate();
  }

  /** @internal */
  regulate(): void {
    const admits = this.options.admission.admits && !this.yields && (this.held || !this.full);
    if (this.door === 'open' && !admits && this.options.wantSpare !== null) this.shut();
    else if (this.door === 'shut' && admits) this.reopen();
  }

  /** @internal */
  yield(yields: boolean): void {
    this.yields = yields;
    this.regulate();
  }

  private shut(): void {
    this.door = 'shut';
    this.server.close();
    this.wantSpare();
  }

  private reopen(): void {
    const spare = this.spares.pop();
    if (spare === undefined) return this.wantSpare();
    this.door = 'open';
    this.server.listen(spare, BACKLOG);
    this.wantSpare();
  }

  private leave(): void {
    this.door = 'gone';
    this.yields = false;
    this.server.close();
    for (const spare of this.spares.splice(0)) spare.close();
    this.wanted = 0;
    this.options.admission.leave(this);
  }

  private wantSpare(): void {
    const { wantSpare } = this.options;
    if (wantSpare === null) return;
    for (; this.spares.length + this.wanted < SPARES; this.wanted++) wantSpare();
  }

  private attach(handle: ServerHandle): Promise<void> {
    const { server } = this;
    return new Promise((resolve, reject) => {
      const listening = (): void => {
        this.refuse = null;
        this.door = 'open';
        this.options.admission.join(this);
        this.wantSpare();
        this.regulate();
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
    // Accepting can fail later, for want of memory or of descriptors of the system: the next connection may fare better.
    if (refuse !== null) return refuse(error);
    this.options.report(error);
    if (this.door !== 'open' || this.server.listening) return;
    this.door = 'shut';
    this.reopening ??= setTimeout(() => this.reopenLater(), REOPEN_AFTER).unref();
  }

  private serverOnConnection(socket: Socket): void {
    const { admission } = this.options;
    if (!admission.admits && this.options.wantSpare === null) {
      admission.refused();
      socket.destroy();
      return;
    }
    admission.entered(this, this.spares.length > 0 && !this.held);
    if (this.held || this.full) {
      socket.once('close', () => admission.left());
      this.waiting.add(socket, this.settings.maxWait);
    } else {
      this.serve(socket, true);
    }
  }

  private get full(): boolean {
    const { maxConnections } = this.settings;
    return maxConnections !== 0 && this.active >= maxConnections;
  }

  /** @param counts whether it leaves the process with its close: one that has waited does so by itself */
  private serve(socket: Socket, counts: boolean): void {
    this.active++;
    socket.once('close', () => this.socketOnClose(counts));
    const { keepAlive } = this.settings;
    if (keepAlive > 0) socket.setKeepAlive(true, keepAlive);
    const connection = new Connection(socket, this.deadlines, IDLE_HANDLER);
    connection.handler = this.accept(connection);
    if (this.full) this.regulate();
  }

  private socketOnClose(counts: boolean): void {
    const { maxConnections } = this.settings;
    this.active--;
    if (counts) this.options.admission.left();
    this.serveWaiting();
    if (this.door !== 'shut' || maxConnections === 0 || this.full) return;
    // A few at a time: to stop and to go on for each one would cost more than to serve it.
    if (this.active <= maxConnections * (15 / 16)) this.regulate();
    else this.reopening ??= setTimeout(() => this.reopenLater(), REOPEN_AFTER).unref();
  }

  private reopenLater(): void {
    this.reopening = null;
    this.regulate();
  }

  private serveWaiting(): void {
    while (!this.held && !this.full) {
      const next = this.waiting.take();
      if (next === null) return;
      this.serve(next, false);
    }
  }
}
