import type { Server, Socket } from 'node:net';
import type { Deadlines } from '../base/index.ts';
import type { Admission, Gated } from './admission.ts';
import type { ServerHandle } from './bound-address.ts';
import type { ConnectionHandler } from './connection-handler.ts';
import { Connection } from './connection.ts';
import { IDLE_HANDLER } from './connection-handler.ts';
import type { Network } from './network.ts';
import { WaitingLine } from './waiting-line.ts';

/**
 * The queue of the kernel for connections that are not accepted yet, for example after a worker died. It is the maximum
 * of most systems (net.core.somaxconn), and enough for half a second at 8,000 new connections a second.
 */
const BACKLOG = 4096;

/** Settings that may change while the listener is open. They apply to new connections. */
export interface ListenerSettings {
  /** Connections served at once; 0 = no limit. */
  readonly maxConnections: number;
  /** Milliseconds that a connection above this limit may wait to be served before it is closed. */
  readonly maxWait: number;
  /** Milliseconds between TCP keep-alive probes; 0 = none. */
  readonly keepAlive: number;
}

/** Settings that are fixed when the address is bound. */
export interface ListenerOptions {
  /** Bytes that may wait to be sent before a connection counts as full. Node sets this only through the server. */
  readonly writeBufferSize: number;
  /** Called with errors of accept (ENFILE …); the listener continues. */
  readonly report: (error: Error) => void;
  readonly admission: Admission;
  readonly network: Network;
  /**
   * Asks for another descriptor of the same socket, which `giveSpare` delivers. Null if there is none: such a listener
   * cannot stop accepting for a while, and accepts connections that then have to wait.
   */
  readonly wantSpare: (() => void) | null;
}

/**
 * Number of spare descriptors of its socket that a listener keeps. With one spare it could stop and continue once, and
 * would then accept all waiting connections before another spare arrives: libuv accepts until the queue is empty, and
 * reads no messages meanwhile.
 */
const SPARES = 3;

/** Milliseconds after which one connection below maxConnections is enough to accept again. Each time costs 0.2 ms. */
const REOPEN_AFTER = 20;

/** Makes the handler of an accepted connection. */
export type Accept = (connection: Connection) => ConnectionHandler;

/**
 * A bound address and the connections that were accepted from it.
 *
 *     listen ──> held ──open──> serving ──suspend──> suspended ──close──> closed
 *                  │             │  ↑                    │
 *                  │             │  └──────resume────────┘
 *                  └─────────────┴──close──> closed
 *
 * A held listener accepts connections but does not read from them, because the config to which they belong may still be
 * refused.
 *
 * In all states but the last two it has a door. Node has no function to stop accepting for a while. But if another
 * process has the socket, too, this process can close its descriptor without harm: connections wait in the queue of the
 * kernel. To accept again, the listener needs another descriptor of the socket, and keeps some spares for that.
 *
 *     open ──shut──> shut ──reopen, with a spare──> open
 */
export class Listener implements Gated {
  /** Connections being served. */
  private active = 0;
  private held = true;
  private door: 'open' | 'shut' | 'gone' = 'gone';
  private readonly spares: ServerHandle[] = [];
  /** Number of spares that were requested and have not arrived. */
  private wanted = 0;
  private yields = false;
  private reopening: NodeJS.Timeout | null = null;
  private settings: ListenerSettings;
  private readonly options: ListenerOptions;
  private readonly server: Server;
  private readonly deadlines: Deadlines;
  private readonly accept: Accept;
  private readonly waiting: WaitingLine;
  /** Fails the current attempt to listen. */
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
   * Listens on a bound socket, which belongs to the listener from then on. Connections wait until `open`.
   * @throws Error of the system (EADDRINUSE if another process has bound the address and listens)
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

  /** Serves the waiting connections and all further ones. */
  open(): void {
    this.held = false;
    this.serveWaiting();
    this.regulate();
  }

  /** Applies other settings. Waiting connections that they allow are served. */
  adopt(settings: ListenerSettings): void {
    this.settings = settings;
    this.serveWaiting();
    this.regulate();
  }

  /** Stops accepting for a while. Connections that are being served continue, and waiting ones continue to wait. */
  suspend(): void {
    this.leave();
  }

  /** Accepts again after `suspend`, from a socket that is bound to the same address. @throws Error of the system */
  resume(handle: ServerHandle): Promise<void> {
    return this.attach(handle);
  }

  /** Stops accepting. Connections that are being served continue; waiting ones are closed. */
  close(): void {
    this.leave();
    this.waiting.close();
  }

  /** Delivers the descriptor requested by `wantSpare`; undefined if the system could not pass it on. */
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
    // Accepting can also fail later, if memory or descriptors of the system run out. The next connection may succeed.
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

  /** @param counts whether its close must be counted here; a connection that has waited does that itself */
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
    // Reopens only when several connections have closed: stopping and continuing for each one would cost more than
    // serving it.
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
