import { type Deadlines, ProxyError, Roster } from '../base/index.ts';
import type { ServiceLimits } from '../config/index.ts';
import { dispatch } from '../dispatcher/index.ts';
import type { DrainableSession, SessionSlot } from '../downstream/index.ts';
import {
  type Admission,
  type Connection,
  type ConnectionHandler,
  Listener,
  type ListenerSettings,
  type Network,
  type ServerHandle,
} from '../transport/index.ts';
import type { CompiledService } from './compiled-service.ts';

/** How the listeners of a process accept. */
export interface Accepting {
  readonly admission: Admission;
  readonly network: Network;
  /** Asks for another socket on the address with this key; null where there is none. */
  readonly wantSpare: ((key: string) => void) | null;
  /** Told of connections that could not be accepted. */
  acceptFailed(service: string, error: Error): void;
}

/** An address that is listened on, and the service that answers there: a reload replaces the service, not the slot. */
export class ServiceSlot implements SessionSlot {
  current: CompiledService;
  draining = false;
  readonly sessions = new Roster<DrainableSession>();
  readonly deadlines: Deadlines;
  private listener: Listener | null = null;
  private onEmpty: (() => void) | null = null;

  constructor(service: CompiledService, deadlines: Deadlines) {
    this.current = service;
    this.deadlines = deadlines;
  }

  /**
   * Listens on a bound socket, which belongs to the slot from then on. Connections wait until `open`.
   * @param key of the address
   * @throws Error of the system
   */
  async listen(handle: ServerHandle, key: string, accepting: Accepting): Promise<void> {
    const { limits } = this.current;
    const { admission, network, wantSpare } = accepting;
    const options = {
      writeBufferSize: limits.writeBufferSize,
      report: (error: Error) => accepting.acceptFailed(this.current.name, error),
      admission,
      network,
      wantSpare: wantSpare === null ? null : () => wantSpare(key),
    };
    const accept = (connection: Connection): ConnectionHandler => dispatch(connection, this);
    this.listener = await Listener.listen(handle, settingsOf(limits), options, this.deadlines, accept);
  }

  /** Serves those that wait and those that come. */
  open(): void {
    this.listener?.open();
  }

  /** Puts another generation in force: for new connections at once, for open ones with their next request. */
  swap(service: CompiledService): void {
    this.current = service;
    this.listener?.adopt(settingsOf(service.limits));
  }

  /** Stops accepting for now; sessions go on. */
  suspend(): void {
    this.listener?.suspend();
  }

  /** Accepts again after `suspend`, from a socket that is bound anew. @throws Error of the system */
  async resume(handle: ServerHandle): Promise<void> {
    await this.listener?.resume(handle);
  }

  /** Brings another socket on the same address, which was asked for. */
  giveSpare(handle: ServerHandle | undefined): void {
    if (this.listener === null) handle?.close();
    else this.listener.giveSpare(handle);
  }

  /** A session has ended. */
  sessionEnded(session: DrainableSession): void {
    this.sessions.delete(session);
    if (this.sessions.size === 0) this.onEmpty?.();
  }

  /**
   * Stops accepting and lets every exchange that is under way finish.
   * @param milliseconds after which what is left is cut; 0 cuts at once
   * @returns how many sessions were cut
   */
  async drain(milliseconds: number): Promise<number> {
    this.listener?.close();
    this.draining = true;
    for (const session of this.sessions.snapshot()) session.drain();
    await this.emptied(milliseconds);
    const left = this.sessions.snapshot();
    for (const session of left) {
      session.kill(new ProxyError('shutting_down', `the exchange was not over within ${milliseconds} ms`));
    }
    return left.length;
  }

  private emptied(milliseconds: number): Promise<void> {
    if (this.sessions.size === 0 || milliseconds <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.onEmpty = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function settingsOf(limits: ServiceLimits): ListenerSettings {
  // To be served is what is due to a connection that waits: it waits as long for that as for any byte.
  return { maxConnections: limits.maxConnections, maxWait: limits.stallTimeout, keepAlive: limits.keepAlive };
}
