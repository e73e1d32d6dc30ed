import { type ChildProcess, fork } from 'node:child_process';
import type { HubFrame, LineFrame, Send } from '../../control/index.ts';
import type { BoundAddress } from '../../transport/index.ts';
import type { Command, LogCall, LogReply, Result, Setup, ToSupervisor, ToWorker } from './messages.ts';
import type { WorkerLogs } from './worker-logs.ts';

/** The program that runs: the bundle. */
const [, PROGRAM = ''] = process.argv;

/** How a worker has ended. */
export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Milliseconds that it lived. */
  readonly uptime: number;
}

/** How a command ended, if the worker lived to tell. */
export type Outcome = Result | { readonly kind: 'gone' } | { readonly kind: 'late' };

/** A worker, seen from the supervisor. */
export interface Member {
  /** Its place among the workers, from 1. */
  readonly worker: number;
  /** 0 when it could not be started. */
  readonly pid: number;
  /** Resolves when its code is loaded; with false when it ended before. */
  readonly loaded: Promise<boolean>;
  /** Resolves when it has ended. */
  readonly gone: Promise<Exit>;
  /** Told of the key of an address that it wants another socket on, for `giveSpare`. */
  onWant: (key: string) => void;
  /** Told of what it sends on its control line. */
  onControl: (frames: readonly LineFrame[]) => void;
  /** Sends to its control line. */
  readonly control: Send<HubFrame>;
  /** Gives it a bound socket for the next `attach` or `resume`. */
  give(key: string, bound: BoundAddress): void;
  giveSpare(key: string, bound: BoundAddress): void;
  /**
   * Has it do something. Never rejects: a worker may end or hang at any time.
   * @param patience milliseconds to wait for the answer
   */
  command(command: Command, patience: number): Promise<Outcome>;
  /** Ends it at once. */
  kill(): void;
}

/** Starts a worker. */
export type StartMember = (setup: Omit<Setup, 'kind'>, logs: WorkerLogs, counts: number | null) => Member;

/** A worker that is a process of its own. */
export class WorkerProcess implements Member {
  readonly worker: number;
  readonly loaded: Promise<boolean>;
  readonly gone: Promise<Exit>;
  onWant: (key: string) => void = () => {};
  onControl: (frames: readonly LineFrame[]) => void = () => {};
  private readonly child: ChildProcess;
  private readonly logs: WorkerLogs;
  private readonly waiting = new Map<number, (outcome: Outcome) => void>();
  private readonly started = performance.now();
  private onLoaded: (loaded: boolean) => void = () => {};
  private nextNumber = 1;
  private ended = false;

  /**
   * Starts the program that this process runs, as a worker.
   * @param counts descriptor of the file of SharedCounts; null without it
   */
  constructor(setup: Omit<Setup, 'kind'>, logs: WorkerLogs, counts: number | null) {
    this.worker = setup.worker;
    this.logs = logs;
    this.child = fork(PROGRAM, ['worker'], {
      // Configs go over with their bytes and shared parts as they are.
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...(counts === null ? [] : [counts])],
    });
    this.loaded = new Promise((resolve) => (this.onLoaded = resolve));
    this.gone = new Promise((resolve) => {
      const end = (code: number | null, signal: NodeJS.Signals | null): void => resolve(this.childOnEnd(code, signal));
      this.child.once('exit', end);
      // It could not be started, and there will be no `exit`.
      this.child.on('error', () => {
        if (this.child.pid === undefined) end(null, null);
      });
    });
    this.child.on('message', (message) => this.childOnMessage(message as ToSupervisor));
    this.send({ kind: 'setup', ...setup });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  give(key: string, bound: BoundAddress): void {
    if (!this.ended) this.child.send({ kind: 'address', key }, bound.sendable, {}, ignoreGone);
  }

  giveSpare(key: string, bound: BoundAddress): void {
    if (!this.ended) this.child.send({ kind: 'spare', key }, bound.sendable, {}, ignoreGone);
  }

  command(command: Command, patience: number): Promise<Outcome> {
    if (this.ended) return Promise.resolve({ kind: 'gone' });
    const number = this.nextNumber++;
    return new Promise((resolve) => {
      // An answer that came while this process stood still is read before: it comes first in the loop.
      const timer = setTimeout(() => setImmediate(() => settle({ kind: 'late' })), patience);
      const settle = (outcome: Outcome): void => {
        clearTimeout(timer);
        this.waiting.delete(number);
        resolve(outcome);
      };
      this.waiting.set(number, settle);
      this.send({ ...command, number });
    });
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  readonly control: Send<HubFrame> = (frames, sent) => {
    // What cannot be sent any more waits for good: the line ends with the process.
    if (!this.ended && this.child.connected) this.child.send({ kind: 'control', frames }, sent);
  };

  private send(message: ToWorker): void {
    if (!this.ended && this.child.connected) this.child.send(message, ignoreGone);
  }

  private childOnMessage(message: ToSupervisor): void {
    if (message.kind === 'hello') this.onLoaded(true);
    else if (message.kind === 'want-spare') this.onWant(message.key);
    else if (message.kind === 'control') this.onControl(message.frames);
    else if (message.kind === 'reply') this.waiting.get(message.number)?.(message.result);
    else this.serveLog(message);
  }

  private serveLog(call: LogCall & { readonly number: number }): void {
    const answer = (error: string | null): void => {
      const reply: LogReply = { kind: 'log-reply', number: call.number, error };
      this.send(reply);
    };
    this.logs.serve(call).then(
      () => answer(null),
      (error: unknown) => answer(error instanceof Error ? error.message : String(error)),
    );
  }

  private childOnEnd(code: number | null, signal: NodeJS.Signals | null): Exit {
    this.ended = true;
    this.onLoaded(false);
    for (const settle of this.waiting.values()) settle({ kind: 'gone' });
    return { code, signal, uptime: performance.now() - this.started };
  }
}

/** What cannot be sent was for a worker that has ended: `exit` tells. */
function ignoreGone(): void {}
