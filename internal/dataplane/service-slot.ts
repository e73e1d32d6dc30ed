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

/** The environment of the listeners of a process. */
export interface Accepting {
  readonly admission: Admission;
  readonly network: Network;
  /** Requests another socket on the address with this key; null if there is none. */
  readonly wantSpare: ((key: string) => void) | null;
  /** Called with errors of accepting connections. */
  acceptFailed(service: string, error: Error): void;
}

/** A listening address and the service that serves it. A reload replaces the service, not the slot. */
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

  /** Serves the waiting connections and all further ones. */
  open(): void {
    this.listener?.open();
  }

  /** Replaces the generation: new connections use it at once, open ones with their next request. */
  swap(service: CompiledService): void {
    this.current = service;
    this.listener?.adopt(settingsOf(service.limits));
  }

  /** Stops accepting for a while; sessions continue. */
  suspend(): void {
    this.listener?.suspend();
  }

  /** Accepts again after `suspend`, from a socket that was bound again. @throws Error of the system */
  async resume(handle: ServerHandle): Promise<void> {
    await this.listener?.resume(handle);
  }

  /** Delivers another socket on the same address that was requested. */
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
   * Stops accepting and lets every current exchange finish.
   * @param milliseconds after which the remaining sessions are cut; 0 cuts them at once
   * @returns number of sessions that were cut
   */
  async drain(milliseconds: number): Promise<number> {
    this.listener?.close();
    this.draining = true;
    for (const session of this.sessions.snapshot()) session.drain();
    await this.emptied(milliseconds);
    const left = this.sessions.snapshot();
    for (const session of left) {
      session.kill(
        new ProxyError(
          'shutting_down',
          `prox is stopping, and the exchange was not complete within ${milliseconds} ms`,
        ),
      );
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
  // A waiting connection waits to be served for as long as a served one waits for a byte.
  return { maxConnections: limits.maxConnections, maxWait: limits.stallTimeout, keepAlive: limits.keepAlive };
}
