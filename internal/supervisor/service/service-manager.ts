import { execFile } from 'node:child_process';
import type { Logger } from '../../logger/index.ts';

/**
 * Tells systemd how prox is doing, as sd_notify(3) has it.
 *
 * The protocol is a datagram to a unix socket, and Node has no such sockets. systemd-notify(1) sends it: it is wherever
 * systemd is, knows abstract addresses, and waits until systemd has understood whom the message is from, which a
 * helper of ours that ends at once could not. As it is a process of its own, the unit needs `NotifyAccess=all`.
 */
const HELPER = 'systemd-notify';

/** Milliseconds that a message may take. Whatever happens to it, prox goes on. */
const PATIENCE = 5000;

/** The service manager that has started prox, if it wants to hear of it. */
export class ServiceManager {
  /** What the environment of a successor needs to go on with it; of other processes it is none of their business. */
  readonly environment: Readonly<Record<string, string>>;
  private readonly logger: Logger;
  private readonly socket: string | undefined;
  private warned = false;
  /** Ends with the message that is under way: they arrive in order. */
  private turn: Promise<void> = Promise.resolve();

  /** Takes its address out of the environment. */
  constructor(logger: Logger) {
    this.logger = logger;
    this.socket = process.env['NOTIFY_SOCKET'];
    delete process.env['NOTIFY_SOCKET'];
    this.environment = this.socket === undefined ? {} : { NOTIFY_SOCKET: this.socket };
  }

  /** prox serves, from this process. Resolves when it is known, or cannot be told. */
  ready(status: string): Promise<void> {
    return this.send('READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`);
  }

  /** A reload begins; `ready` tells of its end, whatever it was. */
  reloading(): Promise<void> {
    return this.send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, 'STATUS=Reloading');
  }

  /** prox ends. */
  stopping(): Promise<void> {
    return this.send('STOPPING=1', 'STATUS=Finishing what is under way');
  }

  private send(...assignments: string[]): Promise<void> {
    if (this.socket !== undefined) this.turn = this.turn.then(() => this.run(assignments));
    return this.turn;
  }

  private run(assignments: readonly string[]): Promise<void> {
    const env = { ...process.env, NOTIFY_SOCKET: this.socket };
    return new Promise((resolve) => {
      execFile(HELPER, assignments, { env, timeout: PATIENCE, killSignal: 'SIGKILL' }, (error) => {
        if (error !== null && !this.warned) {
          this.warned = true;
          this.logger.warn('the service manager cannot be told how prox is doing', { error });
        }
        resolve();
      });
    });
  }
}
