import { type ChildProcess, fork } from 'node:child_process';
import type { Inheritance } from './succession.ts';
import { PREDECESSOR_VARIABLE, type ToPredecessor, type ToSuccessor } from './succession.ts';

/** Milliseconds until a successor must serve. A large config and many workers need a few seconds. */
const READY_PATIENCE = 60_000;

/** Milliseconds that a successor has to end by itself when told to. */
const END_PATIENCE = 3000;

/** The result of starting a successor. */
export type Started =
  /** It serves. `taken` are the keys of the addresses that it continues to serve. */
  | { readonly kind: 'ready'; readonly taken: ReadonlySet<string> }
  /** It has ended, and nothing has changed. One line for each problem. */
  | { readonly kind: 'failed'; readonly problems: readonly string[] };

/** The next prox process, as the current one uses it. */
export class Successor {
  /** Resolves when it serves, or has ended. Never rejects. */
  readonly started: Promise<Started>;
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;
  private readonly late: NodeJS.Timeout;
  private problems: readonly string[] | null = null;
  private settle: (started: Started) => void = () => {};
  private serves = false;

  /**
   * Starts the program that is now on disk, with the command line, environment and standard streams of this process.
   * @param environment variables that this process has removed from its own environment
   * @throws Error of the system if no process can be created
   */
  constructor(inheritance: Inheritance, environment: Readonly<Record<string, string>>) {
    const [, program = '', ...args] = process.argv;
    this.child = fork(program, args, {
      serialization: 'advanced',
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...environment, [PREDECESSOR_VARIABLE]: String(process.pid) },
    });
    this.started = new Promise((resolve) => (this.settle = resolve));
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.childOnEnd(signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`);
        resolve();
      });
      this.child.on('error', (error) => {
        // Otherwise the process runs, or `exit` follows.
        if (this.child.pid !== undefined) return;
        this.childOnEnd(`${process.execPath} cannot be started: ${error.message}`);
        resolve();
      });
    });
    this.child.on('message', (message) => this.childOnMessage(message as ToPredecessor));
    this.late = setTimeout(() => this.lateOnTimeout(), READY_PATIENCE);
    this.bequeath(inheritance);
  }

  /** 0 if it could not be started. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Makes it reload, if it serves. */
  hangUp(): void {
    this.child.kill('SIGHUP');
  }

  /** Ends it; if it already serves, it lets exchanges finish. Resolves when it has ended. */
  async end(): Promise<void> {
    this.problems ??= ['prox was told to stop'];
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => {
      if (!this.serves) this.child.kill('SIGKILL');
    }, END_PATIENCE);
    await this.exited;
    clearTimeout(timer);
  }

  /** Ends it at once. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private bequeath({ addresses, ticketKeys }: Inheritance): void {
    for (const [key, bound] of addresses) {
      const message: ToSuccessor = { kind: 'address', key, address: bound.address, removable: bound.removable };
      this.child.send(message, bound.sendable, {}, ignoreGone);
    }
    const message: ToSuccessor = { kind: 'inheritance', ticketKeys };
    this.child.send(message, ignoreGone);
  }

  private childOnMessage(message: ToPredecessor): void {
    if (message.kind === 'failed') {
      this.problems ??= message.problems;
      return;
    }
    this.serves = true;
    clearTimeout(this.late);
    // It is independent now, and this process must not wait for it.
    if (this.child.connected) this.child.disconnect();
    this.child.unref();
    this.settle({ kind: 'ready', taken: new Set(message.taken) });
  }

  private childOnEnd(how: string): void {
    clearTimeout(this.late);
    this.settle({ kind: 'failed', problems: this.problems ?? [`${how} before it was ready`] });
  }

  private lateOnTimeout(): void {
    this.problems ??= [`it was not ready within ${READY_PATIENCE / 1000} s`];
    void this.end();
  }
}

/** Ignores messages that cannot be sent because the process has ended; `exit` reports that. */
function ignoreGone(): void {}
