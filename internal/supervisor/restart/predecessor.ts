import { BoundAddress, type ServerHandle } from '../../transport/index.ts';
import type { Inheritance } from './succession.ts';
import { PREDECESSOR_VARIABLE, type ToPredecessor, type ToSuccessor } from './succession.ts';

/** The prox process that has started this one. */
export class Predecessor {
  /** What it passes on. */
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
   * Receives what the predecessor passes on.
   * @param onGone called if it ends before this process is ready; this process must then end, too
   * @returns null if this is the first process
   */
  static async find(onGone: () => void): Promise<Predecessor | null> {
    const named = process.env[PREDECESSOR_VARIABLE];
    delete process.env[PREDECESSOR_VARIABLE];
    // A variable without a channel means that it was copied from the environment of another process.
    if (named === undefined || process.send === undefined) return null;
    process.once('disconnect', onGone);
    // It may already have ended; `onGone` then ends this process.
    if (!process.connected) onGone();
    const inheritance = await receive();
    process.off('disconnect', onGone);
    return new Predecessor(Number(named), inheritance, onGone);
  }

  /** Reports that this process serves, and continues to use these addresses. */
  ready(taken: readonly string[]): void {
    process.off('disconnect', this.processOnDisconnect);
    send({ kind: 'ready', taken }, () => {});
  }

  /** Reports that this process cannot serve. Resolves when the predecessor has received the reason, or has ended. */
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
