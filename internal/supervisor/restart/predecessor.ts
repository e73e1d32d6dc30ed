import { BoundAddress, type ServerHandle } from '../../transport/index.ts';
import type { Inheritance } from './inheritance.ts';
import { PREDECESSOR_VARIABLE, type ToPredecessor, type ToSuccessor } from './succession.ts';

/** The generation of prox that has started this one. */
export class Predecessor {
  /** What it leaves. */
  readonly inheritance: Inheritance;
  /** Its process. */
  readonly pid: number;
  private readonly processOnDisconnect: () => void;

  private constructor(pid: number, inheritance: Inheritance, onGone: () => void) {
    this.inheritance = inheritance;
    this.pid = pid;
    this.processOnDisconnect = onGone;
    process.once('disconnect', this.processOnDisconnect);
  }

  /**
   * Takes what the predecessor leaves.
   * @param onGone is called when it ends before this process is ready, and with it who asked for a restart
   * @returns null when this is the first generation
   */
  static async find(onGone: () => void): Promise<Predecessor | null> {
    const named = process.env[PREDECESSOR_VARIABLE];
    delete process.env[PREDECESSOR_VARIABLE];
    // With a name and no channel, somebody has copied our environment.
    if (named === undefined || process.send === undefined) return null;
    process.once('disconnect', onGone);
    // It may be gone already, and will never say more: `onGone` ends this process.
    if (!process.connected) onGone();
    const inheritance = await receive();
    process.off('disconnect', onGone);
    return new Predecessor(Number(named), inheritance, onGone);
  }

  /** This process serves, and goes on with these addresses. */
  ready(taken: readonly string[]): void {
    process.off('disconnect', this.processOnDisconnect);
    send({ kind: 'ready', taken }, () => {});
  }

  /** This process cannot serve. Resolves when the predecessor has been told why, or is gone. */
  failed(problems: readonly string[]): Promise<void> {
    process.off('disconnect', this.processOnDisconnect);
    return new Promise((resolve) => send({ kind: 'failed', problems }, resolve));
  }
}

function receive(): Promise<Inheritance> {
  const addresses: Promise<[string, BoundAddress]>[] = [];
  return new Promise((resolve, reject) => {
    const processOnMessage = (message: ToSuccessor, handle: unknown): void => {
      if (message.kind === 'address') {
        const inherited = BoundAddress.inherit(message.address, handle as ServerHandle, message.removable);
        addresses.push(inherited.then((bound) => [message.key, bound]));
        return;
      }
      process.off('message', processOnMessage);
      const { ticketKeys } = message;
      Promise.all(addresses).then((all) => resolve({ addresses: new Map(all), ticketKeys }), reject);
    };
    process.on('message', processOnMessage);
  });
}

function send(message: ToPredecessor, sent: () => void): void {
  if (process.connected) process.send?.(message, undefined, undefined, sent);
  else sent();
}
