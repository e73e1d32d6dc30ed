import { execFile } from 'node:child_process';
import type { Logger } from '../../logger/index.ts';

/**
 * Notifies systemd of the state of prox, see sd_notify(3).
 *
 * The protocol is a datagram to a unix socket, and Node does not support such sockets. systemd-notify(1) sends it: this
 * program exists wherever systemd does, supports abstract addresses, and waits until systemd has identified the sender,
 * which would fail with a helper program that ends at once. Because it is a separate process, the unit needs
 * `NotifyAccess=all`.
 */
const HELPER = 'systemd-notify';

/** Milliseconds that a message may take. prox continues whatever happens to it. */
const PATIENCE = 5000;

/** The service manager that has started prox, if it accepts notifications. */
export class ServiceManager {
  /** The environment variables that a successor needs for notifications. Other processes do not get them. */
  readonly environment: Readonly<Record<string, string>>;
  private readonly logger: Logger;
  private readonly socket: string | undefined;
  private warned = false;
  /** Resolves when the current message is sent, so that messages arrive in order. */
  private turn: Promise<void> = Promise.resolve();

  /** Reads its address from the environment and removes the variable. */
  constructor(logger: Logger) {
    this.logger = logger;
    this.socket = process.env['NOTIFY_SOCKET'];
    delete process.env['NOTIFY_SOCKET'];
    this.environment = this.socket === undefined ? {} : { NOTIFY_SOCKET: this.socket };
  }

  /** Reports that this process serves. Resolves when the message was sent, or could not be sent. */
  ready(status: string): Promise<void> {
    return this.send('READY=1', `MAINPID=${process.pid}`, `STATUS=${status}`);
  }

  /** Reports that a reload begins. `ready` reports its end, whatever the result. */
  reloading(): Promise<void> {
    return this.send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, 'STATUS=Reloading');
  }

  /** Reports that prox is stopping. */
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
          this.logger.warn('systemd cannot be notified of the state of prox; prox continues without notifications', {
            error,
          });
        }
        resolve();
      });
    });
  }
}
